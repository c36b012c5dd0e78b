"""Images that cannot be read: an error, or left out, counted and named, never something else."""

import shutil
from pathlib import Path

import pytest
import torch
from mmengine.registry import DATASETS

from custom_modules.base.errors import UserError
from custom_modules.commands.train import train
from custom_modules.config import load_config
from custom_modules.datasets.binary_seg_dataset import BinarySegDataset
from custom_modules.datasets.seeded_dataset import SeededDataset
from custom_modules.datasets.seeded_sampler import SeededIndex
from custom_modules.engine.training_check import check_training
from tests.conftest import TINY

CONFIG = 'configs/sample/unet_sample.py'


@pytest.fixture
def broken(sample: Path, tmp_path: Path) -> Path:
    """The sample with the second and third training image, and the first mask, broken."""
    root = shutil.copytree(sample, tmp_path / 'data')
    dataset = build(root, 'error')
    Path(dataset.get_data_info(1)['img_path']).write_bytes(b'')
    Path(dataset.get_data_info(2)['img_path']).write_text('text renamed to jpg')
    Path(dataset.get_data_info(5)['seg_map_path']).unlink()
    Path(dataset.get_data_info(5)['seg_map_path']).write_bytes(b'\x89PNG cut short')
    return root


def build(root: Path, unreadable: str, stage: str = 'train', **more: object) -> BinarySegDataset:
    config = load_config(CONFIG, [*TINY, f'data_root={root}', f'unreadable={unreadable}']).resolved
    return DATASETS.build(config[f'{stage}_dataloader']['dataset'] | more)


@pytest.mark.parametrize('cache', [False, True])
def test_the_next_image_takes_the_place_and_says_so(broken: Path, cache: bool) -> None:
    dataset = SeededDataset(build(broken, 'skip', cache=cache))
    for index, taken, reasons in (
        (0, 0, []),
        (1, 3, ['the file is empty', 'not a readable image']),
        (2, 3, ['not a readable image']),
        (5, 6, ['not a readable mask']),
    ):
        sample = dataset[SeededIndex(index, 7)]['data_samples']
        assert sample.sample_id == dataset.get_data_info(taken)['sample_id']
        assert len(sample.unreadable) == len(reasons)
        for said, reason in zip(sample.unreadable, reasons, strict=True):
            assert reason in said
    plain = dataset[SeededIndex(3, 7)]['inputs']
    assert torch.equal(dataset[SeededIndex(1, 7)]['inputs'], plain)


@pytest.mark.parametrize('cache', [False, True])
def test_an_error_names_the_file(broken: Path, cache: bool) -> None:
    dataset = build(broken, 'error', cache=cache)
    with pytest.raises(UserError, match=r'\.jpg: the file is empty'):
        dataset[1]


def test_validation_never_leaves_anything_out(broken: Path) -> None:
    dataset = build(broken, 'error', 'val')
    dataset.unreadable = 'skip'
    Path(dataset.get_data_info(0)['img_path']).write_bytes(b'')
    with pytest.raises(UserError, match='the file is empty'):
        dataset[0]


def test_nothing_that_can_be_read(broken: Path) -> None:
    dataset = build(broken, 'skip', indices=[1, 2])
    with pytest.raises(UserError, match=r'none of the 2 images can be read; the first: .*empty'):
        dataset[0]
    with pytest.raises(UserError, match="unreadable = 'ignore' is not allowed"):
        build(broken, 'ignore')


@pytest.mark.parametrize(('limit', 'enough'), [(3, True), (2, False)])
def test_a_training_counts_and_stops_at_the_limit(
    broken: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], limit: int, enough: bool
) -> None:
    options = [f'data_root={broken}', 'unreadable=skip', f'max_unreadable={limit}', 'max_epochs=1']
    config = load_config(CONFIG, [*TINY, *options])
    if enough:
        run = train(config, str(tmp_path / 'runs'))
        assert (run / 'best.pth').is_file()
    else:
        with pytest.raises(UserError, match='3 images cannot be read and max_unreadable is 2'):
            train(config, str(tmp_path / 'runs'))
    said = ''.join(capfd.readouterr())
    assert said.count('left out, ') == 3
    assert 'left out, 3 so far' in said


def test_what_counts_them_is_not_taken_out() -> None:
    config = load_config(CONFIG, ['unreadable=skip', 'default_hooks.unreadable=None'])
    with pytest.raises(UserError, match=r"unreadable = None .* 'skip' would leave out any number"):
        check_training(config.resolved)
