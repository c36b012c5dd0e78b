"""Training that can stop and go on anywhere, and evaluation in the run's precision."""

import logging
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import is_main_process
from mmengine.registry import LOOPS
from mmengine.runner import EpochBasedTrainLoop, TestLoop, ValLoop
from torch.utils.data import DataLoader

from ..base.errors import UserError
from ..base.shell import shell_word
from ..datasets.seeded_dataset import batches_from
from ..distributed.sharding import is_sharded
from ..models.precision import autocast, resolve_dtype
from ..runs.run_folder import point_latest_at
from .checkpoints import save_last
from .stop_signal import StopSignal


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """MMEngine's epochs, which a signal ends at the next batch, with ``last.pth`` written.

    A resumed run starts at the batch after the one it stopped at: what the epoch has already seen
    is skipped before it is read, and an epoch that lacks only its validation is validated first.
    After each whole epoch (training and validation) the hooks' ``after_whole_epoch`` is called.

    Hooks ask what this loop counts (``unit``, ``done``, ``total``) and how far an interval is: what
    lies between two possible validations, an epoch here and steps in a ResumableIterLoop.

    Args:
        kwargs: arguments of MMEngine's EpochBasedTrainLoop: ``max_epochs``, ``val_begin``,
            ``val_interval``.
    """

    #: What is counted, on the console, in curves and by intervals: 'epoch' or 'step'.
    unit = 'epoch'

    #: The epoch's batches are done, its validation is not. Part of the checkpoint.
    validation_pending = False

    #: Batches of the current epoch that are done. Part of the checkpoint.
    steps_into_epoch = 0

    #: Seconds spent in this loop by the parts of the run before this one. Part of the checkpoint.
    seconds_before = 0.0

    @property
    def seconds(self) -> float:
        """Seconds the run took so far, validation included."""
        return self.seconds_before + time.monotonic() - self.started

    @property
    def done(self) -> int:
        """Number of epochs, or of steps, that are done."""
        return self._epoch

    @property
    def total(self) -> int:
        """Number of epochs, or of steps, that the training is to have."""
        return self._max_epochs

    @property
    def position(self) -> str:
        """Where the training is, for messages: 'epoch 3' or 'step 200'."""
        return f'{self.unit} {self.done}'

    @property
    def intervals_done(self) -> int:
        """Number of intervals that are done, one that was cut short by the end included."""
        return self._epoch

    @property
    def steps_of_interval(self) -> tuple[int, int]:
        """Steps of the current interval that are done, and those that it has."""
        return self.steps_into_epoch, len(self.dataloader)

    @property
    def steps_left(self) -> int:
        """Number of steps up to the end of the training."""
        return (self._max_epochs - self._epoch) * len(self.dataloader) - self.steps_into_epoch

    def run(self) -> torch.nn.Module:
        self.started = time.monotonic()
        if is_main_process():  # only now: a mistake in config or data leaves the run before latest
            point_latest_at(Path(self.runner.log_dir))
        self.runner.call_hook('before_train')
        with StopSignal(distributed=self.runner.distributed) as self.stop:
            while not self.stop_training and (self.validation_pending or self.done < self.total):
                if not self.validation_pending:
                    self.run_interval()
                    self._decide_current_val_interval()
                    self.validation_pending = self._validation_is_due()
                if self.validation_pending:
                    self.runner.val_loop.run()
                    self.validation_pending = False
                self.runner.call_hook('after_whole_epoch')
        self.runner.call_hook('after_train')
        return self.runner.model

    def run_interval(self) -> None:
        """Take the steps up to the next possible validation."""
        self.run_epoch()

    def run_epoch(self) -> None:
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        done = self.steps_into_epoch
        for index, batch in enumerate(batches_from(self.dataloader, done), start=done):
            self.run_iter(index, batch)
            self.steps_into_epoch = index + 1
            if index + 1 < len(self.dataloader):
                self.leave_if_stopped()
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1
        self.steps_into_epoch = 0

    def run_iter(self, idx: int, data_batch: Any) -> None:
        try:
            super().run_iter(idx, data_batch)
        except ValueError as error:  # torch's, of a batch of one whose features are one pixel
            if 'more than 1 value per channel' not in str(error):
                raise
            raise UserError(
                'BatchNorm has one value for each channel, which cannot be normalised; use '
                'batch_size=2 or more, or a larger image_size'
            ) from None

    def leave_if_stopped(self) -> None:
        """Save and leave the program if a signal asked for it."""
        if self.stop.requested():
            save_last(self.runner)
            self.runner.logger.log(
                logging.WARNING,
                f'stopped by {self.stop.name} in epoch {self._epoch + 1} after {self._iter} steps; '
                f'go on with --resume {shell_word(str(self.runner.log_dir))}',
            )
            self.runner.visualizer.close()
            raise SystemExit(self.stop.exit_status)

    def _validation_is_due(self) -> bool:
        if self.runner.val_loop is None:  # a training may do without
            return False
        return self.done >= self.val_begin and (
            self.done % self.val_interval == 0 or self.done == self.total
        )


@LOOPS.register_module()
class ResumableIterLoop(ResumableTrainLoop):
    """Steps instead of epochs, as MMEngine's IterBasedTrainLoop has them, with an exact resume.

    The images are gone through again and again, each time in another order. The end and the
    validations are at numbers of steps, wherever they are in such an epoch. What other parts count
    in epochs (``last.pth``, pictures, lines of the console, points of the curves) is there after
    each ``val_interval`` steps; schedules count steps (``by_epoch=False``).

    Args:
        runner: runner of the training.
        dataloader: loader of the training, or its config.
        max_iters: number of steps of the training.
        val_begin: step from which on there are validations.
        val_interval: number of steps between two validations; the last step always has one.
    """

    unit = 'step'

    def __init__(
        self,
        runner: Any,
        dataloader: DataLoader | dict,
        max_iters: int,
        val_begin: int = 1,
        val_interval: int = 1000,
    ) -> None:
        super().__init__(runner, dataloader, 1, val_begin, val_interval)
        self._max_iters = max_iters
        self._max_epochs = math.ceil(max_iters / len(self.dataloader))
        self._batches: Iterator[Any] | None = None

    @property
    def done(self) -> int:
        return self._iter

    @property
    def total(self) -> int:
        return self._max_iters

    @property
    def intervals_done(self) -> int:
        return math.ceil(self._iter / self.val_interval)

    @property
    def steps_of_interval(self) -> tuple[int, int]:
        start = self._iter // self.val_interval * self.val_interval
        return self._iter - start, min(self.val_interval, self._max_iters - start)

    @property
    def steps_left(self) -> int:
        return self._max_iters - self._iter

    def run(self) -> torch.nn.Module:
        try:
            return super().run()
        finally:
            self._batches = None  # it would keep the loader's workers

    def run_interval(self) -> None:
        self.runner.model.train()
        done, total = self.steps_of_interval
        for missing in range(total - done - 1, -1, -1):
            if self._batches is None:
                self.runner.call_hook('before_train_epoch')
                self._batches = batches_from(self.dataloader, self.steps_into_epoch)
            self.run_iter(self.steps_into_epoch, next(self._batches))
            self.steps_into_epoch += 1
            if self.steps_into_epoch == len(self.dataloader):
                self._batches = None
                self.runner.call_hook('after_train_epoch')
                self._epoch += 1
                self.steps_into_epoch = 0
            if missing:
                self.leave_if_stopped()


class _InPrecision:
    """Run each batch without gradients under the autocast of ``precision``.

    MMEngine's ``run_iter`` computes inside an autocast of its own, which switches ours off.
    """

    stage: str

    def __init__(self, *args: object, precision: str = 'fp32', **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.dtype = resolve_dtype(precision, get_device())

    def run_iter(self, idx: int, data_batch: dict) -> None:
        runner: Any = self.runner  # type: ignore[attr-defined]
        batch = dict(batch_idx=idx, data_batch=data_batch)
        # FSDP2 keeps what it gathers weights into, and no training can use that of inference mode.
        mode = torch.no_grad if is_sharded(runner.model) else torch.inference_mode
        with mode():
            runner.call_hook(f'before_{self.stage}_iter', **batch)
            with autocast(self.dtype, get_device()):
                outputs = getattr(runner.model, f'{self.stage}_step')(data_batch)
            self.evaluator.process(data_samples=outputs, data_batch=data_batch)  # type: ignore[attr-defined]
            runner.call_hook(f'after_{self.stage}_iter', **batch, outputs=outputs)


@LOOPS.register_module()
class ValidationLoop(_InPrecision, ValLoop):
    """MMEngine's ValLoop in ``precision``, which a signal to the training leaves too."""

    stage = 'val'

    def run_iter(self, idx: int, data_batch: dict) -> None:
        super().run_iter(idx, data_batch)
        train_loop = self.runner._train_loop
        if isinstance(train_loop, ResumableTrainLoop) and train_loop.validation_pending:
            train_loop.leave_if_stopped()


@LOOPS.register_module()
class EvaluationLoop(_InPrecision, TestLoop):
    """MMEngine's TestLoop in ``precision``."""

    stage = 'test'
