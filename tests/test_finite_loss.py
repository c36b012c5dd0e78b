"""Which step ends a training whose loss is no longer a number, and what is said then."""

import math
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from custom_modules.base.errors import UserError
from custom_modules.engine.hooks import finite_loss_hook
from custom_modules.engine.hooks.finite_loss_hook import FiniteLossHook

NAN = math.nan


def runner_of(folder: Path, world_size: int = 1, **wrapper: Any) -> Any:
    """Return a runner in its third epoch, whose first learning rate is a thirteenth."""
    rates = dict(base_lr=[1 / 13, 0.5], momentum=[0.9])
    return SimpleNamespace(
        iter=0,
        epoch=2,
        world_size=world_size,
        log_dir=str(folder),
        optim_wrapper=SimpleNamespace(get_lr=lambda: rates, **wrapper),
    )


def train(hook: FiniteLossHook, runner: Any, losses: Sequence[float]) -> str:
    """Show the hook an epoch of these losses and return what it says; the runner counts them."""
    try:
        for loss in losses:
            hook.after_train_iter(runner, runner.iter, None, dict(loss=torch.tensor(loss)))
            runner.iter += 1
        hook.after_train_epoch(runner)
    except UserError as error:
        runner.iter += runner.iter < len(losses)
        return str(error)
    return ''


@pytest.mark.parametrize(
    ('losses', 'interval', 'allowed', 'seen', 'named'),
    [
        ([1, 2, NAN, 1], 1, 1, 3, 3),
        ([1, 2, math.inf, 1], 1, 1, 3, 3),
        ([1, NAN, 1, 1, 1, 1], 4, 1, 4, 2),  # a look at every fourth step names the right one
        ([1, NAN], 4, 1, 2, 2),  # the end of the epoch is a look too
        ([NAN, NAN, 1, NAN, NAN, 1], 1, 3, 6, None),  # fp16 leaves single steps out
        ([NAN, 1, NAN, NAN, NAN, 1], 2, 3, 6, 5),
        ([1.0] * 6, 4, 1, 6, None),
    ],
)
def test_which_step_ends_a_training(
    losses: Sequence[float],
    interval: int,
    allowed: int,
    seen: int,
    named: int | None,
    tmp_path: Path,
) -> None:
    runner = runner_of(tmp_path)
    hook = FiniteLossHook()
    hook.before_train(runner)
    hook.interval, hook.allowed = interval, allowed
    said = train(hook, runner, losses)
    assert runner.iter == seen
    assert (f'at step {named}, in epoch 3, with a learning rate of 0.0769;' in said) == bool(named)
    assert bool(said) == bool(named)


@pytest.mark.parametrize(
    ('world_size', 'gpu', 'scaler', 'seen'),
    [
        (1, False, None, 1),
        (1, True, None, 10),  # reading a loss waits for a GPU
        (2, False, None, 10),  # and processes have to agree
        (1, False, False, 1),
        (1, False, True, 20),  # of fp16
    ],
)
def test_how_soon_it_is_noticed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    world_size: int,
    gpu: bool,
    scaler: bool | None,
    seen: int,
) -> None:
    monkeypatch.setattr(finite_loss_hook, 'get_device', lambda: 'cuda' if gpu else 'cpu')
    enabled = None if scaler is None else SimpleNamespace(is_enabled=lambda: scaler)
    runner = runner_of(tmp_path, world_size, scaler=enabled)
    hook = FiniteLossHook()
    hook.before_train(runner)
    assert f'nan at step {20 if scaler else 1},' in train(hook, runner, [NAN] * 30)
    assert runner.iter == seen


def test_a_loss_of_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All leave at the same step, so that none waits for the gradients of one that has left."""

    def all_reduce(finite: torch.Tensor, operation: str) -> None:
        others = torch.ones_like(finite)
        others[1] = 0
        finite.copy_(getattr(torch, operation)(torch.stack([finite, others]), 0).values)

    monkeypatch.setattr(finite_loss_hook, 'all_reduce', all_reduce)
    runner = runner_of(tmp_path, world_size=2)
    hook = FiniteLossHook()
    hook.before_train(runner)
    said = train(hook, runner, [0.5, 1.5, 2.5])
    assert 'the loss is not finite on another process at step 2,' in said


@pytest.mark.parametrize('saved', [False, True])
def test_what_is_said(tmp_path: Path, saved: bool) -> None:
    if saved:
        (tmp_path / 'last.pth').touch()
    runner, hook = runner_of(tmp_path), FiniteLossHook()
    hook.before_train(runner)
    said = train(hook, runner, [-math.inf])
    assert said.startswith('the loss is -inf at step 1,')
    kept = f'{tmp_path / "last.pth"} keeps the last good state' if saved else 'nothing was saved'
    assert f'; the training ends here and {kept}. Try a smaller learning_rate' in said


def test_the_validation_begins_with_a_look(tmp_path: Path) -> None:
    runner, hook = runner_of(tmp_path, world_size=2), FiniteLossHook()
    hook.before_val_epoch(runner)  # of a validation on its own
    hook.before_train(runner)
    hook.before_val_epoch(runner)
    for outputs in (None, {}, dict(loss=0.5)):  # steps of models of one's own
        hook.after_train_iter(runner, 0, None, outputs)
    hook.after_train_iter(runner, 3, None, dict(loss=torch.tensor(NAN, requires_grad=True)))
    with pytest.raises(UserError, match='the loss is nan'):
        hook.before_val_epoch(runner)
