"""Pictures of the same few validation images while a training goes on."""

from collections.abc import Sequence

import numpy as np
import torch
from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmseg.structures import SegDataSample

from ...base.errors import UserError
from ...datasets.channels import swap_red_and_blue, viewable
from ...models.picture_size import as_input, without_padding
from ...visualization.contact_sheet import Example, fitted, grid

#: Of the picture, wherever it goes: ``vis_data/vis_image/valid_pictures_<epoch>.png`` on the disk.
NAME = 'valid_pictures'


@HOOKS.register_module()
class ValidationPicturesHook(Hook):
    """Send image, ground truth, prediction and errors to the visualizer's backends.

    The images are at equal steps through the validation set (in several processes through rank 0's
    part of it) and the same in every epoch. One picture with a row for each goes out at the number
    of the epoch: after the first, each ``interval``-th and the last, where there is a validation.
    Where a training is counted in steps, its intervals (``val_interval`` steps) take the place of
    epochs, and pictures have the numbers of steps.

    Args:
        interval: number of epochs between two pictures; 0 for none.
        number: number of images to show, 1 or more.

    Raises:
        UserError: ``interval`` is negative or ``number`` not positive.
    """

    def __init__(self, interval: int = 5, number: int = 4) -> None:
        if interval < 0 or number < 1:
            raise UserError(
                f'ValidationPicturesHook: interval={interval}, number={number} is not allowed; '
                'use 0 (no pictures) or a number of epochs, and 1 image or more'
            )
        self.interval = interval
        self.number = number
        self.chosen: set[int] = set()
        self.examples: list[Example] = []
        self.seen = 0

    def before_val_epoch(self, runner: Runner) -> None:
        self.seen, self.examples, self.chosen = 0, [], set()
        if self._is_due(runner):
            total = len(runner.val_dataloader.sampler)
            steps = np.linspace(0, total - 1, min(self.number, total)).round().astype(int)
            self.chosen = set(steps.tolist())

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence[SegDataSample] | None = None,
    ) -> None:
        assert data_batch is not None and outputs is not None
        for image, sample in zip(data_batch['inputs'], outputs, strict=True):
            if self.seen in self.chosen:
                self.examples.append(fitted(_example(image, sample)))
            self.seen += 1

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        if self.examples:
            runner.visualizer.add_image(NAME, grid(self.examples), step=runner.train_loop.done)
        self.examples = []

    def _is_due(self, runner: Runner) -> bool:
        if not (self.interval and runner.is_training_run and is_main_process()):
            return False
        loop = runner.train_loop
        number = loop.intervals_done
        return number % self.interval == 0 or number == 1 or loop.done == loop.total


def _example(image: torch.Tensor, sample: SegDataSample) -> Example:
    """Return what the network saw, (C, H, W) uint8, with both masks at its size."""
    if sample.pred_sem_seg.data.shape[-2:] != tuple(sample.ori_shape[:2]):
        image = without_padding(image, sample)  # as the masks are
    seen = viewable(swap_red_and_blue(image.cpu().numpy().transpose(1, 2, 0)))
    pixels = np.ascontiguousarray(seen)
    size = image.shape[-2:]
    truth, prediction = (
        as_input(field.data, sample, size, outside)[0].cpu().numpy().astype(np.uint8)
        for field, outside in ((sample.gt_sem_seg, 255), (sample.pred_sem_seg, 0))
    )
    return Example(sample.sample_id, pixels, truth, prediction)
