"""A run that is cut off and resumed ends like one that never stopped."""

from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner

from custom_modules.config import load_config
from custom_modules.engine.best_and_last_hook import BestAndLastCheckpoint
from custom_modules.engine.training import train
from custom_modules.errors import UserError
from tests.conftest import ROOT, TINY
from tests.same_training import assert_same_training, final_state, same


class PowerCutError(Exception):
    """What ends a run in the middle of these tests."""


def cut_in_epoch(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Hook, runner: Runner, batch_idx: int, **__: object) -> None:
        if runner.epoch + 1 == number and batch_idx == 1:
            raise PowerCutError

    monkeypatch.setattr(BestAndLastCheckpoint, 'after_train_iter', fail)


def test_the_average_of_the_weights_goes_on(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MMEngine's EMAHook: the average is validated and is what best.pth holds."""
    config = tmp_path / 'averaged.py'
    hooks = ['SyncBuffersHook', 'ConsoleHook']
    config.write_text(
        f"_base_ = '{ROOT}/configs/sample/unet_sample.py'\n"
        f'custom_hooks = [*({[dict(type=hook) for hook in hooks]}),\n'
        "    dict(type='EMAHook', momentum=0.1)]\n"
    )
    options = [*TINY, f'data_root={sample}', 'max_epochs=3']
    options.append('default_hooks.checkpoint.keep_epochs=1')
    options.append('default_hooks.checkpoint.max_keep_ckpts=2')
    whole = train(load_config(config, options), str(tmp_path / 'whole'))
    with monkeypatch.context() as cut, pytest.raises(PowerCutError):
        cut_in_epoch(3, cut)
        train(load_config(config, options), str(tmp_path / 'parts'))
    parts = tmp_path / 'parts' / 'latest'
    (parts / '.last.pth.4711.part').write_bytes(b'the process was killed while it wrote')
    train(load_config(config, options), str(tmp_path / 'parts'), resume='')

    assert_same_training(whole, parts)
    last = final_state(whole)
    assert not same(last['state_dict'], last['ema_state_dict'])
    best, other_best = (torch.load(run / 'best.pth')['state_dict'] for run in (whole, parts))
    assert same(best, other_best)

    assert {p.name for p in parts.resolve().iterdir() if p.name.startswith('.')} == set()
    kept = {path.name for path in parts.resolve().glob('*.pth')}
    assert kept == {'best.pth', 'last.pth', 'previous.pth', 'epoch_2.pth', 'epoch_3.pth'}


def test_a_number_of_copies_that_keeps_nothing() -> None:
    with pytest.raises(UserError, match='max_keep_ckpts=0 is not allowed'):
        BestAndLastCheckpoint(keep_epochs=1, max_keep_ckpts=0)
