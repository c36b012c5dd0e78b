"""Parts that learn later than the rest: what moves when, stops inside, and mistakes."""

import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from custom_modules.base.errors import UserError
from custom_modules.commands.train import train
from custom_modules.config import LoadedConfig, load_config
from custom_modules.engine.hooks.best_and_last_hook import BestAndLastCheckpoint
from custom_modules.engine.training_check import check_training
from tests.conftest import ROOT, TINY
from tests.same_training import assert_same_training

#: Four steps an epoch, two epochs; the finest level of the encoder is frozen for good.
CONFIG = f"""
_base_ = '{ROOT}/configs/sample/unet_sample.py'
model = dict(
    backbone=dict(channels=[2, 4], frozen_stages=0, norm_cfg=dict(type='BN')),
    decode_head=dict(channels=[2]),
)
"""
IN_EPOCHS = "\ndefault_hooks = dict(freeze=dict(type='FreezeHook', until=1))\n"
IN_STEPS = f"""
_base_ = [
    '{ROOT}/configs/_base_/models/unet.py',
    '{ROOT}/configs/_base_/datasets/oxford_pet.py',
    '{ROOT}/configs/_base_/schedules/sgd_poly.py',
    '{ROOT}/configs/_base_/default_runtime.py',
]
{CONFIG.partition('.py')[2].partition(chr(10))[2]}
max_iters = 8
val_interval = 3
warm_up = 2
learning_rate = 0.5
optim_wrapper = dict(accumulative_counts=2)
default_hooks = dict(freeze=dict(type='FreezeHook', until=4))
custom_hooks = [
    dict(type='SyncBuffersHook'),
    dict(type='EMAHook', momentum=0.1),
    dict(type='FreezeHook', until=2, parts=['decode_head.logits']),
]
"""


def loaded(folder: Path, sample: Path, unit: str, *more: str) -> LoadedConfig:
    path = folder / f'{unit}.py'
    path.write_text(IN_STEPS if unit == 'step' else CONFIG + IN_EPOCHS)
    tiny = [one for one in TINY if unit == 'epoch' or 'epochs' not in one]
    return load_config(path, [*tiny, f'data_root={sample}', 'precision=fp32', *more])


def second(parts: list[str], until: int) -> list[str]:
    """Return the option that adds another FreezeHook to that of CONFIG."""
    return [f"custom_hooks=[dict(type='FreezeHook', until={until}, parts={parts})]"]


def moved(now: dict, before: dict, names: Sequence[str]) -> list[bool]:
    return [not torch.equal(now[name], before[name]) for name in names]


@pytest.mark.parametrize('unit', ['epoch', 'step'])
def test_what_moves_before_and_after(
    unit: str, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first four of eight steps leave weights and statistics of the encoder as they are.

    Where steps are counted, another hook leaves the last layer as it is for the first two.
    """
    states: list[dict[str, torch.Tensor]] = []

    def note(_: Any, runner: Any, *__: object, **___: object) -> None:
        states.append({name: one.clone() for name, one in runner.model.state_dict().items()})

    monkeypatch.setattr(BestAndLastCheckpoint, 'after_train_iter', note)
    monkeypatch.setattr(BestAndLastCheckpoint, 'before_run', note, raising=False)
    train(loaded(tmp_path, sample, unit), str(tmp_path / 'run'))
    first, *after = states
    assert len(after) == 8
    kinds = ('weight', 'bias', 'running_mean', 'running_var')
    names = [name for name in first if name.endswith(kinds)]
    frozen = [name for name in names if name.startswith('backbone.levels.0.')]
    later = [name for name in names if name.startswith('backbone.levels.1.')]
    last = [name for name in names if unit == 'step' and name.startswith('decode_head.logits.')]
    rest = [name for name in names if not name.startswith('backbone.') and name not in last]
    assert len(frozen) >= 8 and len(later) == len(frozen) and rest
    for state in after[:4]:
        assert not any(moved(state, first, frozen + later))
    assert all(moved(after[3], first, rest))
    assert all(moved(after[7], after[3], later + rest))
    assert not any(moved(after[1], first, last)) and all(moved(after[3], first, last))
    assert not any(moved(after[7], first, frozen))


@pytest.mark.parametrize('step', [1, 5])
def test_a_training_that_is_stopped_goes_on_to_the_last_bit(
    step: int, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the encoder is frozen, and afterwards; both with half of a batch accumulated."""

    def stop(_: Any, runner: Any, *__: object, **___: object) -> None:
        if runner.iter + 1 == step:
            signal.raise_signal(signal.SIGTERM)

    config = loaded(tmp_path, sample, 'step')
    whole = train(config, str(tmp_path / 'whole'))
    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(BestAndLastCheckpoint, 'after_train_iter', stop)
        train(config, str(tmp_path / 'parts'))
    train(config, str(tmp_path / 'parts'), resume='')
    assert_same_training(whole, tmp_path / 'parts' / 'latest')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['default_hooks.freeze.until=3'], r'until = 3 is after the end .*, max_epochs = 2'),
        (['default_hooks.freeze.until=0'], r'until = 0 is not allowed; use an integer from 1'),
        (['shard=True'], r'does not know sharded weights; take shard = True out'),
        (["default_hooks.freeze.parts=['backbon']"], r"no 'backbon'; did you mean backbone"),
        (["default_hooks.freeze.parts=['trunk']"], r"no 'trunk'; use backbone, decode_head, or"),
        (["default_hooks.freeze.parts=['backbone.levels.0']"], r'levels\.0 learns anyway'),
        (["default_hooks.freeze.parts=['backbone','decode_head']"], r'nothing is left that learns'),
        (
            second(['backbone.levels.1'], 2),
            r"have backbone\.levels\.1: parts = \['backbone'\] until 1, and parts = "
            r"\['backbone\.levels\.1'\] until 2; leave it to one of them",
        ),
        (second(['backbone'], 1), r'two FreezeHooks have backbone: '),
        (second(['decode_head'], 1), r'without backbone, decode_head nothing is left that learns'),
    ],
)
def test_mistakes_are_said(options: list[str], message: str, sample: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message) as said:
        config = loaded(tmp_path, sample, 'epoch', *options)
        check_training(config.resolved)
        train(config, str(tmp_path / 'run'))
    assert '\n' not in str(said.value)
