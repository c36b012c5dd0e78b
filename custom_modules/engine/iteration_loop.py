"""Training that is counted in steps."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from mmengine.registry import LOOPS
from torch.utils.data import DataLoader

from ..datasets.seeded_dataset import batches_from
from .loops import ResumableTrainLoop


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
