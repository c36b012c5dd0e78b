"""What ``tools/find_batch_size.py`` does."""

import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mmengine.config import Config

from ..base.errors import UserError
from ..config import LoadedConfig, load_config, own_copy
from ..engine.memory_use import available_memory, is_out_of_memory, memory_limit, peak_memory
from ..engine.seen_images import files_of
from ..engine.trial import trial_runner
from ..models.cost import seconds_of

#: Steps before any is measured: the first ones allocate memory and the optimiser's state.
WARM_UP = 2

#: Measured are at least so many steps and seconds.
LEAST_STEPS, LEAST_SECONDS = 3, 2.0

#: What is faster by less is not worth a larger batch.
TOLERANCE = 0.05


@dataclass(frozen=True)
class Measurement:
    """What the training step of a batch size took.

    Attributes:
        size: batch size: number of images in a training step.
        images_per_second: median speed over the steps; forward, backward, update, data in memory.
        memory: bytes at the peak that the process did not have before: on a GPU all that tensors
            held, on a CPU the growth of its resident memory; None where the system does not tell.
        failure: reason why the size cannot be used; empty where it can.
        ends_search: whether larger sizes will not fit either.
    """

    size: int
    images_per_second: float = 0.0
    memory: int | None = 0
    failure: str = ''
    ends_search: bool = False


@dataclass(frozen=True)
class Search:
    """What is measured, and within which bounds.

    Attributes:
        images: number of training images; no batch can have more.
        limit: number of bytes that a training may take.
        measurements: measurements of the sizes 1, 2, 4, ..., made while they are asked for.
    """

    images: int
    limit: int
    measurements: Iterator[Measurement]


def find_batch_size(
    config: LoadedConfig, largest: int | None = None, memory_share: float = 0.8
) -> Search:
    """Measure the training step of the batch sizes 1, 2, 4, ..., each in a process of its own.

    A size whose memory cannot be had ends the search and nothing else. No process can take more
    than its share, and a size that would need more, as the last two let expect, is not tried.

    Args:
        config: loaded config of the training.
        largest: largest batch size to try, 1 or more; None for as many images as the training split
            has.
        memory_share: share of the memory available now that a training may take, above 0 and up to
            1.

    Raises:
        UserError: a mistake in config, data or arguments.
    """
    if largest is not None and largest < 1:
        raise UserError(f'--largest {largest}: use 1 or more')
    if not 0 < memory_share <= 1:
        raise UserError(f'--memory-share {memory_share:g}: use a number above 0, up to 1')
    images = len(files_of(config.resolved, 'train'))
    limit = int(memory_share * available_memory())
    return Search(images, limit, _in_processes(config, min(largest or images, images), limit))


def search(
    measure: Callable[[int], Measurement], largest: int, limit: int
) -> Iterator[Measurement]:
    """Yield the measurements of 1, 2, 4, ... up to ``largest`` or the first that does not fit.

    Args:
        measure: function that measures the training step of a batch size.
        largest: largest batch size to try.
        limit: number of bytes that a training may take; a size that is expected to take more is not
            measured.
    """
    done: list[Measurement] = []
    size = 1
    while size <= largest:
        expected = expected_memory(done)
        if expected > limit:
            failure = f'not tried: would take about {gibibytes(expected)}'
            yield Measurement(size, failure=failure, ends_search=True)
            return
        measurement = measure(size)
        yield measurement
        if measurement.ends_search:
            return
        done.append(measurement)
        size *= 2


def expected_memory(done: Sequence[Measurement]) -> int:
    """Return the bytes of the next size from the last two: weights stay, activations double.

    0 where they are not known.
    """
    if len(done) < 2 or done[-2].failure or done[-1].failure:
        return 0
    before, last = done[-2].memory, done[-1].memory
    return 0 if before is None or last is None else last + 2 * max(0, last - before)


def choose(measurements: Sequence[Measurement]) -> tuple[int, int]:
    """Return the largest size that fits and the smallest that is as fast as the fastest.

    Up to ``TOLERANCE`` slower counts as equally fast.

    Raises:
        UserError: no size fits.
    """
    fitting = [m for m in measurements if not m.failure]
    if not fitting:
        reasons = '; '.join(f'{m.size}: {m.failure}' for m in measurements)
        raise UserError(
            f'no batch size can be trained ({reasons}); choose a smaller image_size or network, '
            'or give more with --memory-share'
        )
    fastest = max(m.images_per_second for m in fitting)
    fast = [m.size for m in fitting if m.images_per_second >= (1 - TOLERANCE) * fastest]
    return max(m.size for m in fitting), min(fast)


def gibibytes(size: int | None) -> str:
    """Return a number of bytes as ``1.25 GiB``."""
    return 'unknown' if size is None else f'{size / 2**30:.2f} GiB'


def measure_batch_size(config: Config, size: int, limit: int) -> Measurement:
    """Take training steps with ``size`` images in this process.

    Args:
        config: resolved config of the training.
        size: batch size: number of images in a training step; they are the first ones of the first
            epoch, read once.
        limit: number of bytes that this process may take in addition to what it has.

    Raises:
        UserError: a mistake in config or data.
    """
    settings = own_copy(config)
    settings.train_dataloader.update(batch_size=size, num_workers=0)
    before = peak_memory()
    try:
        with memory_limit(limit), trial_runner(settings) as runner:
            seconds = _seconds_per_step(runner)
    except (MemoryError, RuntimeError, ValueError) as error:
        if is_out_of_memory(error):
            failure = f'takes more than {gibibytes(limit)}'
            return Measurement(size, failure=failure, ends_search=True)
        if 'more than 1 value per channel' in str(error):
            return Measurement(size, failure='BatchNorm needs more values')
        raise
    peak = peak_memory()
    memory = None if peak is None or before is None else peak - before
    return Measurement(size, size / seconds, memory)


def _seconds_per_step(runner: Any) -> float:
    batch = next(iter(runner.train_dataloader))

    def step() -> None:
        runner.model.train_step(batch, optim_wrapper=runner.optim_wrapper)

    seconds_of(step, WARM_UP)
    seconds: list[float] = []
    while len(seconds) < LEAST_STEPS or math.fsum(seconds) < LEAST_SECONDS:
        seconds.append(seconds_of(step))
    return statistics.median(seconds)


def _in_processes(config: LoadedConfig, largest: int, limit: int) -> Iterator[Measurement]:
    with TemporaryDirectory(prefix='petseg_') as folder:
        # Each process loads it again, which also imports what it needs.
        path = Path(folder, config.path.name)
        path.write_text(config.text, encoding='utf-8')
        yield from search(lambda size: _in_a_process(path, size, limit), largest, limit)


def _in_a_process(config: Path, size: int, limit: int) -> Measurement:
    with ProcessPoolExecutor(1, get_context('spawn')) as pool:
        try:
            return pool.submit(_load_and_measure, config, size, limit).result()
        except BrokenProcessPool:
            # By the system, which had no memory, or by a library that cannot do without.
            failure = 'its process was killed'
            return Measurement(size, failure=failure, ends_search=True)


def _load_and_measure(config: Path, size: int, limit: int) -> Measurement:
    return measure_batch_size(load_config(config).resolved, size, limit)
