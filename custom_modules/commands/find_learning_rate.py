"""What ``tools/find_learning_rate.py`` does."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from ..base.errors import UserError
from ..base.kinds import integer
from ..base.progress import ProgressBar
from ..config import LoadedConfig
from ..engine.runner import PetSegRunner
from ..engine.trial import trial_runner
from ..visualization.figure_file import check_figure_path
from ..visualization.learning_rate_curve import save_learning_rate_curve

#: Weight of the past in the smoothed loss. With fastai's and Lightning's 0.98 it lags 49 steps
#: behind the loss, half of the default range, and the steepest fall comes where the loss is about
#: to rise.
SMOOTHING = 0.9

#: The range ends where the smoothed loss exceeds its lowest value so many times.
DIVERGED = 4.0

#: Fewer rates are no curve.
LEAST_STEPS = 20

#: More is no range test, and its curve no picture.
MOST_STEPS = 100_000

#: A smaller fall of the loss, as a share of where it began, is noise.
LEAST_FALL = 0.05


@dataclass(frozen=True)
class RangeTest:
    """The losses of a training whose learning rate grows exponentially (Smith, WACV 2017).

    Attributes:
        rates: (N,) learning rates, ascending by one factor.
        losses: (N,) loss of the batch at each step, before the step is taken.
        skipped: number of first points to pass over, whose smoothed loss is the mean of few
            batches.
    """

    rates: np.ndarray
    losses: np.ndarray
    skipped: int

    @property
    def smoothed(self) -> np.ndarray:
        """(N,), the exponential moving average of the losses, without its bias towards zero."""
        return smooth(self.losses)

    def lowest(self) -> int:
        """Return where the smoothed loss is lowest."""
        return self.skipped + int(np.argmin(self.smoothed[self.skipped :]))

    def steepest(self) -> int:
        """Return where the smoothed loss falls most steeply over the logarithm of the rate.

        Raises:
            UserError: the loss does not fall, so no point says anything.
        """
        smoothed = self.smoothed[self.skipped :]
        if len(smoothed) < 2:
            raise UserError(
                f'the loss diverged after {len(self.losses)} steps, at a learning rate of '
                f'{format_rate(self.rates[-1])}; begin with a smaller --lowest'
            )
        first, lowest = smoothed[0], smoothed.min()
        if first - lowest < LEAST_FALL * abs(first):
            raise UserError(
                f'the loss does not fall: {first:.4g} at first, {lowest:.4g} at its lowest, from '
                f'{format_rate(self.rates[0])} to {format_rate(self.rates[-1])}; try more --steps, '
                'another --lowest and --highest, or look at the data with tools/browse_dataset.py'
            )
        # The rates' logarithms are equally spaced.
        return self.skipped + int(np.argmin(np.gradient(smoothed)))


def smooth(losses: np.ndarray) -> np.ndarray:
    """Return the exponential moving averages of (N,) losses, each divided by its total weight."""
    averages, average = [], 0.0
    for number, loss in enumerate(losses, start=1):
        average = SMOOTHING * average + (1 - SMOOTHING) * loss
        averages.append(average / (1 - SMOOTHING**number))
    return np.array(averages)


def format_rate(rate: float) -> str:
    """Return a rate with two digits as one writes it: ``3.1e-4``."""
    mantissa, exponent = f'{rate:.1e}'.split('e')
    return f'{mantissa}e{int(exponent)}'


def find_learning_rate(
    config: LoadedConfig,
    picture: Path | None = None,
    steps: int = 100,
    lowest: float = 1e-7,
    highest: float = 1.0,
) -> RangeTest:
    """Train with a learning rate that grows from ``lowest`` to ``highest``, and note the loss.

    The training is the config's own: its batches in their order, augmentation, weights, losses,
    optimiser and precision. Parameter groups keep the ratio of their rates. A step is an update of
    the weights; where gradients are accumulated it takes several batches. The training ends early
    where the loss has diverged.

    Args:
        config: loaded config of the training.
        picture: picture to draw the curve into (.png, .pdf, .svg); None draws none.
        steps: number of learning rates to try, from ``LEAST_STEPS`` to ``MOST_STEPS``.
        lowest: first learning rate, above 0.
        highest: last learning rate.

    Raises:
        UserError: a mistake in config, data or arguments, the first loss is not finite, or no loss
            falls (the picture is drawn then too, since it tells why).
    """
    integer(LEAST_STEPS, MOST_STEPS).check('--steps', steps)
    if not 0 < lowest < highest < math.inf:
        raise UserError(
            f'--lowest {lowest:g} --highest {highest:g}: use two numbers above 0, the lowest first'
        )
    if picture is not None:
        check_figure_path(picture)
    rates = np.geomspace(lowest, highest, steps)
    losses = np.array(list(_losses(config, rates)))
    test = RangeTest(rates[: len(losses)], losses, skipped=steps // 10)
    marks: dict[str, int] = {}
    try:
        marks = {'steepest fall': test.steepest(), 'lowest loss': test.lowest()}
    finally:
        if picture is not None:
            name = config.path.stem
            save_learning_rate_curve(test.rates, losses, test.smoothed, marks, picture, name)
    return test


def _losses(config: LoadedConfig, rates: np.ndarray) -> Iterator[float]:
    """Yield the loss at each rate until it diverges."""
    with (
        trial_runner(config.resolved) as runner,
        ProgressBar('learning rates', len(rates)) as bar,
    ):
        wrapper: Any = runner.optim_wrapper
        groups = wrapper.optimizer.param_groups
        base = wrapper.optimizer.defaults['lr']
        ratios = [group['lr'] / base if base else 1.0 for group in groups]
        batches = _batches(runner)
        seen: list[float] = []
        for rate in rates:
            for group, ratio in zip(groups, ratios, strict=True):
                group['lr'] = rate * ratio
            parts = [
                runner.model.train_step(next(batches), optim_wrapper=wrapper)['loss'].item()
                for _ in range(wrapper._accumulative_counts)
            ]
            loss = sum(parts) / len(parts)
            if not math.isfinite(loss):
                if not seen:
                    raise UserError(
                        f'the loss of the first step is {loss}; look at the data with '
                        'tools/browse_dataset.py and try precision=fp32'
                    )
                break
            seen.append(loss)
            yield loss
            bar.advance(note=f'{format_rate(rate)}  loss {loss:.4f}')
            smoothed = smooth(np.array(seen))
            best = smoothed.min()
            if smoothed[-1] > best + (DIVERGED - 1) * abs(best):  # a loss may be negative
                break


def _batches(runner: PetSegRunner) -> Iterator[dict]:
    """Yield the batches of epoch after epoch."""
    for epoch in count():
        if hasattr(runner.train_dataloader.sampler, 'set_epoch'):
            runner.train_dataloader.sampler.set_epoch(epoch)
        yield from runner.train_dataloader
