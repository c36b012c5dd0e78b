"""Hooks by themselves: masks, pictures, images that are left out."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard

from custom_modules.base.errors import UserError
from custom_modules.config import load_config
from custom_modules.engine import PetSegRunner
from custom_modules.engine.hooks import validation_pictures_hook
from custom_modules.engine.hooks.ema_hook import EMAHook
from custom_modules.engine.hooks.save_masks_hook import SaveMasksHook
from custom_modules.engine.hooks.unreadable_images_hook import UnreadableImagesHook
from custom_modules.engine.hooks.validation_pictures_hook import ValidationPicturesHook
from custom_modules.visualization.contact_sheet import Example
from tests.conftest import tiny_options
from tests.fake_loop import StillEpochs


class Run:
    """What hooks ask of a runner; it notes what they say."""

    epoch, iter, max_epochs, is_training_run = 0, 0, 7, True

    def __init__(self) -> None:
        self.logger = self.visualizer = self.log_processor = self.message_hub = self
        self.train_dataloader: Any = range(5)
        self.train_loop: Any = StillEpochs(self)
        self.val_dataloader: Any = None
        self.val_evaluator = SimpleNamespace(metrics=())
        self.latest: dict[str, float] = {}
        self.lines: list[str] = []
        self.scalars: list[tuple[int, dict]] = []
        self.pictures: list[tuple[str, int, list[Example]]] = []
        self.closed = False

    @property
    def log_scalars(self) -> dict[str, float]:
        return self.latest

    def get_scalar(self, name: str) -> Any:
        return SimpleNamespace(current=lambda: np.float64(self.latest[name]))

    def get_log_after_iter(self, runner: 'Run', batch_idx: int, mode: str) -> tuple[dict, str]:
        assert runner is self
        return {}, f'{mode} {batch_idx}'

    def info(self, line: str) -> None:
        self.lines.append(line)

    warning = info

    def add_scalars(self, scalars: dict, step: int) -> None:
        self.scalars.append((step, scalars))

    def add_image(self, name: str, picture: list[Example], step: int) -> None:
        self.pictures.append((name, step, picture))

    def close(self) -> None:
        self.closed = True


def sample_of(name: str, truth: list, prediction: list, **metainfo: Any) -> SegDataSample:
    sample = SegDataSample(metainfo=dict(sample_id=name, ori_shape=(2, 2)) | metainfo)
    sample.gt_sem_seg = PixelData(data=torch.tensor([truth], dtype=torch.uint8))
    sample.pred_sem_seg = PixelData(data=torch.tensor([prediction], dtype=torch.uint8))
    return sample


def test_masks_as_files(tmp_path: Path) -> None:
    folder = tmp_path / 'new' / 'masks'
    hook = SaveMasksHook(str(folder))
    hook.before_test(Run())
    hook.after_test_iter(Run(), 0)
    samples = [sample_of('a', [[0]], [[0, 1], [1, 1]]), sample_of('b', [[0]], [[1, 0]])]
    hook.after_test_iter(Run(), 0, None, samples)
    assert cv2.imread(str(folder / 'a.png'), -1).tolist() == [[0, 255], [255, 255]]
    assert cv2.imread(str(folder / 'b.png'), -1).tolist() == [[255, 0]]
    assert len([*folder.iterdir()]) == 2
    (tmp_path / 'file').touch()
    with pytest.raises(UserError, match=r'cannot be written .*--out'):
        SaveMasksHook(str(tmp_path / 'file')).before_test(Run())


def validate(hook: ValidationPicturesHook, run: Run, number: int, of_a_batch: int = 2) -> None:
    """Show the hook a validation of so many images, each of one value and named after it."""
    run.val_dataloader = SimpleNamespace(sampler=range(number))
    hook.before_val_epoch(run)
    for first in range(0, number, of_a_batch):
        batch = range(first, min(first + of_a_batch, number))
        images = [torch.full((3, 2, 2), value, dtype=torch.uint8) for value in batch]
        samples = [sample_of(f'{value}', [[0, 1], [1, 255]], [[1, 1], [0, 0]]) for value in batch]
        hook.after_val_iter(run, first, dict(inputs=images), samples)
    hook.after_val_epoch(run, {})


@pytest.mark.parametrize('wrong', [dict(interval=-1), dict(number=0)])
def test_impossible_pictures_are_refused(wrong: dict) -> None:
    with pytest.raises(UserError, match=r'is not allowed; use 0 \(no pictures\) or a number'):
        ValidationPicturesHook(**wrong)


@pytest.fixture
def plain_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a picture be the list of what is on it."""
    monkeypatch.setattr(validation_pictures_hook, 'grid', list)


@pytest.mark.usefixtures('plain_grid')
@pytest.mark.parametrize(
    ('settings', 'epochs'),
    [
        ({}, [1, 5, 7]),
        (dict(interval=3), [1, 3, 6, 7]),  # the first, every third, the last
        (dict(interval=0), []),
        (dict(interval=1), [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_which_epochs_have_pictures(settings: dict, epochs: list[int]) -> None:
    run, hook = Run(), ValidationPicturesHook(**settings)
    for run.epoch in range(1, 8):
        validate(hook, run, 2)
    assert [(name, at) for name, at, _ in run.pictures] == [('valid_pictures', at) for at in epochs]


@pytest.mark.usefixtures('plain_grid')
@pytest.mark.parametrize(
    ('settings', 'images', 'shown'),
    [
        ({}, 10, '0 3 6 9'),  # at equal steps, the first and the last too
        (dict(number=3), 6, '0 2 5'),
        (dict(number=1), 6, '0'),
        (dict(number=4), 2, '0 1'),
    ],
)
def test_which_images_are_shown(settings: dict, images: int, shown: str) -> None:
    run, hook = Run(), ValidationPicturesHook(interval=1, **settings)
    for run.epoch in (1, 2):
        validate(hook, run, images)
    assert [' '.join(row.title for row in rows) for *_, rows in run.pictures] == [shown] * 2
    row = run.pictures[0][2][-1]
    assert row.image.tolist() == [[[int(row.title)] * 3] * 2] * 2
    assert row.truth.tolist() == [[0, 1], [1, 255]]
    assert row.prediction.tolist() == [[1, 1], [0, 0]]
    assert row.image.dtype == row.truth.dtype == row.prediction.dtype == np.uint8


@pytest.mark.usefixtures('plain_grid')
def test_no_pictures_of_a_validation_on_its_own_nor_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    run, hook = Run(), ValidationPicturesHook(interval=1)
    validate(hook, run, 2)
    hook.after_val_epoch(run)
    assert len(run.pictures) == 1
    run.is_training_run = False
    validate(hook, run, 2)
    monkeypatch.setattr(validation_pictures_hook, 'is_main_process', lambda: False)
    run.is_training_run = True
    validate(hook, run, 2)
    assert len(run.pictures) == 1


@pytest.mark.usefixtures('plain_grid')
@pytest.mark.parametrize(
    ('truth', 'prediction', 'padded'),
    [
        ([[0, 1]], [[1, 0]], True),  # of the size of the file
        ([[0, 0, 1, 1]] * 2, [[1, 1, 0, 0]] * 2, False),  # of the input, without what was padded
    ],
)
def test_all_of_a_row_lies_in_one_way(truth: list, prediction: list, padded: bool) -> None:
    """An image of 1x2 pixels, made twice as large and padded below by a third row."""
    changes = (('resize', (1, 2), (2, 4)), ('pad', (2, 4), (3, 4)))
    sample = sample_of('a', truth, prediction, ori_shape=(1, 2, 3), size_changes=changes)
    image = torch.arange(36, dtype=torch.uint8).reshape(3, 3, 4)
    run, hook = Run(), ValidationPicturesHook(interval=1, number=1)
    run.val_dataloader = SimpleNamespace(sampler=range(1))
    hook.before_val_epoch(run)
    hook.after_val_iter(run, 0, dict(inputs=[image]), [sample])
    hook.after_val_epoch(run)
    ((*_, (row,)),) = run.pictures
    assert row.image.shape == (2 + padded, 4, 3)
    assert row.image[1, 3].tolist() == [24 + 7, 12 + 7, 7]  # RGB of BGR
    assert row.truth.tolist() == [[0, 0, 1, 1]] * 2 + [[255] * 4] * padded
    assert row.prediction.tolist() == [[1, 1, 0, 0]] * 2 + [[0] * 4] * padded


# Hooks that a config takes out


def test_none_takes_out_any_hook(sample: Path, tmp_path: Path) -> None:
    none = [f'default_hooks.{name}=None' for name in ('pictures', 'timer')]
    config = load_config('configs/sample/unet_sample.py', tiny_options(sample, *none)).resolved
    config.work_dir = str(tmp_path)
    kinds = {type(hook).__name__ for hook in PetSegRunner.from_cfg(config).hooks}
    assert kinds.isdisjoint({'ValidationPicturesHook', 'IterTimerHook'})
    assert {'UnreadableImagesHook', 'BestAndLastCheckpoint', 'ParamSchedulerHook'} <= kinds


# Images that cannot be read


def test_images_that_are_left_out_are_named_once() -> None:
    run, hook = Run(), UnreadableImagesHook(limit=2)
    hook.after_train_iter(run, 0)
    whole = sample_of('a', [[0]], [[0]])
    one = sample_of('b', [[0]], [[0]], unreadable=['x.jpg: empty'])
    both = sample_of('c', [[0]], [[0]], unreadable=['x.jpg: empty', 'y.jpg: cut'])
    for samples in ([whole, one], [one], [both]):
        hook.after_train_iter(run, 0, dict(data_samples=samples))
    assert run.lines == ['left out, 1 so far: x.jpg: empty', 'left out, 2 so far: y.jpg: cut']
    resumed = UnreadableImagesHook(limit=1)
    resumed.load_state_dict(hook.state_dict())
    with pytest.raises(UserError, match='2 images cannot be read and max_unreadable is 1; mend'):
        resumed.after_train_iter(run, 0, dict(inputs=[]))
    assert len(run.lines) == 2
    assert UnreadableImagesHook().limit == 10


@pytest.mark.usefixtures('one_process')
@pytest.mark.parametrize('buffers', [False, True])
@pytest.mark.parametrize(
    'average',
    [
        dict(momentum=0.5),
        dict(ema_type='MomentumAnnealingEMA', gamma=1),
        dict(ema_type='StochasticWeightAverage'),
    ],
)
def test_a_sharded_model_computes_with_its_average(average: dict, buffers: bool) -> None:
    """By hand: the mean of two steps, in which the weight is 1, then 3, and BatchNorm's mean 0, 2.

    The weights are the root's own, which torch keeps gathered after a step without gradients.
    """
    model = nn.BatchNorm1d(1, eps=0).eval()
    fully_shard(model, mesh=init_device_mesh('cpu', (1,)))
    run: Any = SimpleNamespace(model=model, iter=0)
    hook = EMAHook(update_buffers=buffers, **average)
    hook.before_run(run)
    for weight, mean in ((1.0, 0.0), (3.0, 2.0)):
        with torch.no_grad():
            model.weight.fill_(weight)
            model.get_buffer('running_mean').fill_(mean)
        hook.after_train_iter(run, 0)
    values = []
    for change in (hook.before_val_epoch, hook.after_val_epoch):
        change(run)
        with torch.no_grad():
            values.append(model(torch.full((1, 1), 4.0)).item())
    assert values == [(4 - (1 if buffers else 2)) * 2, (4 - 2) * 3]


@pytest.mark.usefixtures('one_process')
def test_an_average_that_would_be_elsewhere_than_its_shards() -> None:
    model = nn.Linear(1, 1)
    fully_shard(model, mesh=init_device_mesh('cpu', (1,)))
    run: Any = SimpleNamespace(model=model)
    with pytest.raises(UserError, match="device = 'cpu': with shard = True each"):
        EMAHook(device='cpu').before_run(run)
