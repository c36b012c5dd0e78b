"""A training goes on from what is there: other batches, other images, a damaged checkpoint."""

import shutil
from pathlib import Path

import pytest
import torch

from custom_modules.base.errors import UserError
from custom_modules.commands.train import train
from custom_modules.config import load_config
from custom_modules.runs.checkpoint_io import load_checkpoint
from tests.conftest import TINY

CONFIG = 'configs/sample/unet_sample.py'


@pytest.fixture(scope='module')
def run(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one epoch of four steps."""
    config = load_config(CONFIG, [*TINY, f'data_root={sample}', 'max_epochs=1'])
    return train(config, str(tmp_path_factory.mktemp('runs')))


def options(sample: Path, *more: str) -> list[str]:
    return [*TINY, f'data_root={sample}', 'max_epochs=1', *more]


def test_another_border_is_refused(run: Path, sample: Path) -> None:
    config = load_config(CONFIG, options(sample, 'border=ignore', 'max_epochs=2'))
    with pytest.raises(UserError, match=r'train_dataloader\.border was foreground, is ignore'):
        train(config, resume=str(run))


def test_another_batch_size_needs_to_be_allowed(run: Path, sample: Path) -> None:
    config = load_config(CONFIG, options(sample, 'batch_size=2', 'max_epochs=2'))
    with pytest.raises(UserError, match=r'had 4 steps and now has 8, and 0 of .*allow-ch'):
        train(config, resume=str(run))
    assert train(config, resume=str(run), allow_changes=True) == run
    meta = load_checkpoint(run / 'last.pth')['meta']
    assert (meta['epoch'], meta['iter'], meta['steps_per_epoch']) == (2, 4 + 8, 8)


def test_other_training_images_need_to_be_allowed(run: Path, sample: Path, tmp_path: Path) -> None:
    """Though the config is the same, and so is their number."""
    root = tmp_path / 'changed'
    for name in ('images', 'annotations/trimaps'):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(sample / name)
    lines = (sample / 'annotations' / 'trainval.txt').read_text().splitlines(keepends=True)
    (root / 'annotations' / 'trainval.txt').write_text(''.join([*lines[1::-1], *lines[2:]]))
    # Another test goes on with the run, so that this one goes on with a copy.
    copy = shutil.copytree(run, tmp_path / 'runs' / run.name)
    config = load_config(CONFIG, [*options(root), 'max_epochs=2'])
    with pytest.raises(UserError, match='training images are no longer those of the run'):
        train(config, resume=str(copy))
    assert train(config, resume=str(copy), allow_changes=True) == copy


def states(run: Path) -> dict[str, int]:
    """Return the epoch of each checkpoint that a run can go on from."""
    names = ('last.pth', 'previous.pth')
    return {name: load_checkpoint(run / name)['meta']['epoch'] for name in names}


def test_a_damaged_checkpoint_is_replaced_by_the_one_before(sample: Path, tmp_path: Path) -> None:
    three = load_config(CONFIG, options(sample, 'max_epochs=3'))
    whole = train(three, str(tmp_path / 'whole'))
    assert states(whole) == {'last.pth': 3, 'previous.pth': 2}
    wanted = load_checkpoint(whole / 'last.pth')['state_dict']
    content = (whole / 'last.pth').read_bytes()
    middle = len(content) // 2
    for damaged in (content[:middle], b'', None):
        if damaged is None:
            (whole / 'last.pth').unlink()
        else:
            (whole / 'last.pth').write_bytes(damaged)
        assert train(three, str(tmp_path / 'whole'), resume='') == whole
        again = load_checkpoint(whole / 'last.pth')['state_dict']
        assert all(torch.equal(wanted[key], again[key]) for key in wanted)
        # The damaged file was not kept in place of the one that served.
        assert states(whole) == {'last.pth': 3, 'previous.pth': 2}
