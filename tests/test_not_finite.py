"""A training whose loss or weights are no longer numbers ends, and spoils nothing."""

import math
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from custom_modules.base.errors import UserError
from custom_modules.commands.train import train
from custom_modules.config import load_config
from custom_modules.engine.autocast_optim_wrapper import AutocastOptimWrapper
from tests.conftest import TINY
from tests.test_loops import NARROW


def _train(sample: Path, runs: Path, resume: str | None = None, **options: object) -> Path:
    changes = [f'{key}={value}' for key, value in options.items()]
    config = load_config(
        'configs/sample/unet_sample.py',
        [*TINY, *NARROW, f'data_root={sample}', 'precision=fp32', *changes],
    )
    config.resolved.experiment_name = 'finite'
    return train(config, str(runs), resume)


def test_a_training_that_diverges_ends_and_the_last_good_state_stays(
    sample: Path, tmp_path: Path
) -> None:
    runs = tmp_path / 'runs'
    with pytest.raises(UserError, match=r'is nan at step 2, in epoch 1, .* 6.37e\+29; .*was saved'):
        _train(sample, runs, learning_rate=1e30, max_epochs=1)
    assert not [*runs.rglob('*.pth')]
    run = _train(sample, runs, max_epochs=1)
    files = {path: path.read_bytes() for path in run.glob('*.pth')}
    with pytest.raises(UserError, match=r'step 6, in epoch 2, .*last\.pth keeps'):
        _train(sample, runs, str(run), learning_rate=1e30)
    assert files == {path: path.read_bytes() for path in run.glob('*.pth')}


@pytest.mark.parametrize('persistent', [True, False])
def test_a_training_that_ends_by_an_error_leaves_no_workers(
    sample: Path, tmp_path: Path, persistent: bool
) -> None:
    """A program around it would wait for them at its own end, for ever."""
    before = {*multiprocessing.active_children()}
    loader = {'num_workers': 1, 'train_dataloader.persistent_workers': persistent}
    with pytest.raises(UserError, match='is nan at step 2') as kept:
        _train(sample, tmp_path, learning_rate=1e30, max_epochs=1, **loader)
    assert kept.tb  # its frames hold what reads the batches
    assert {*multiprocessing.active_children()} == before


def test_weights_that_no_loss_has_shown_yet_are_not_saved(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last step of an epoch may spoil the weights after its loss, and no validation follow."""
    step, steps = AutocastOptimWrapper.step, []

    def spoil(wrapper: AutocastOptimWrapper, **kwargs: Any) -> None:
        step(wrapper, **kwargs)
        steps.append(1)
        if len(steps) == 4:  # 16 images, 4 in a batch
            wrapper.param_groups[0]['params'][0].data[0] = math.inf

    monkeypatch.setattr(AutocastOptimWrapper, 'step', spoil)
    with pytest.raises(UserError, match=r'last\.pth: not written, because after step 4 .*infinity'):
        _train(sample, tmp_path / 'runs', **{'train_cfg.val_begin': 2})
    assert not [*(tmp_path / 'runs').rglob('*.pth')]
