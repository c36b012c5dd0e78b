"""Which metrics of steps and epochs go out, by hand."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from custom_modules.base.errors import UserError
from custom_modules.engine.hooks import scalars_hook
from custom_modules.engine.hooks.scalars_hook import ScalarsHook
from custom_modules.evaluation import MetricInfo
from custom_modules.evaluation.metric_table import scalar_name, scalar_names
from custom_modules.runs.scalars import read_own_metrics
from tests.test_hooks import Run


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=50.0)
    clock.monotonic = lambda: clock.now
    monkeypatch.setattr(scalars_hook, 'time', clock)
    return clock


def step(hook: ScalarsHook, run: Run, batch_idx: int, rate: float, **metrics: float) -> None:
    run.latest = {f'train/{name}': value for name, value in metrics.items()} | {'train/lr': rate}
    run.train_loop.steps_into_epoch = batch_idx
    hook.after_train_iter(run, batch_idx, None, dict.fromkeys(metrics, 'not read'))
    run.iter += 1


def test_metrics_of_steps_and_of_an_epoch(clock: SimpleNamespace) -> None:
    run, hook = Run(), ScalarsHook(interval=2)
    hook.before_train(run)
    clock.now += 1000  # of no epoch
    run.iter = 20
    hook.before_train_epoch(run)
    for number, loss in enumerate((1.0, 2.0, 4.0, 0.5, 0.25)):
        step(hook, run, number, rate=0.1 * (number + 1), loss=loss, loss_dice=loss / 2)
    clock.now += 8
    run.epoch = 3
    hook.after_val_epoch(run, dict(Dice=0.75, loss=torch.tensor(0.5), num_images=6))
    hook.after_whole_epoch(run)
    # Every second step and the last one of five.
    assert run.scalars[:3] == [
        (22, {'step/loss': 2.0, 'step/learning_rate': 0.2, 'iter': 22}),
        (24, {'step/loss': 0.5, 'step/learning_rate': 0.4, 'iter': 24}),
        (25, {'step/loss': 0.25, 'step/learning_rate': 0.5, 'iter': 25}),
    ]
    assert run.lines[:3] == ['train 1', 'train 3', 'train 4']
    assert run.lines[3] == 'Epoch(val) [3]  Dice: 0.7500  loss: 0.5000'
    whole = {'train/loss': 1.55, 'train/dice_loss': 0.775, 'valid/dice': 0.75, 'valid/loss': 0.5}
    whole |= {'learning_rate': 0.5, 'seconds': 8.0, 'epoch': 3}
    assert run.scalars[3:] == [(3, whole)]
    hook.after_whole_epoch(run)  # nothing of it is told again
    assert run.scalars[4:] == [(3, dict(seconds=0.0, epoch=3))]
    hook.after_run(run)
    assert run.closed


@pytest.mark.parametrize(
    ('name', 'reported'),
    [
        ('loss', 'loss'),
        ('loss_bce', 'bce'),
        ('loss_ce', 'ce'),
        ('loss_dice', 'dice_loss'),
        ('dice', 'dice'),
        ('Dice', 'dice'),
        ('IoU_global', 'iou_global'),
    ],
)
def test_names_of_the_reports(name: str, reported: str) -> None:
    assert scalar_name(name) == reported


def test_two_metrics_of_one_name_are_refused() -> None:
    assert scalar_names(['loss_dice', 'Dice']) == dict(loss_dice='dice_loss', Dice='dice')
    with pytest.raises(UserError, match="'loss_area' and 'Area' would both be 'area'"):
        scalar_names(['loss_area', 'Area'])


@pytest.mark.parametrize('interval', [0, -1, 2.5])
def test_an_impossible_interval_is_refused(interval: float) -> None:
    with pytest.raises(UserError, match=r'interval=.* is not allowed; use a number of steps'):
        ScalarsHook(interval=interval)  # type: ignore[arg-type]


def test_ten_steps_lie_between_two_lines() -> None:
    run, hook = Run(), ScalarsHook()
    run.train_dataloader = range(25)
    for number in range(25):
        step(hook, run, number, rate=0.1, loss=1.0)
    assert [at for at, _ in run.scalars] == [10, 20, 25]


def test_an_epoch_that_lacked_its_validation_alone(clock: SimpleNamespace) -> None:
    """A resume begins with it, without an epoch of training."""
    run, hook = Run(), ScalarsHook()
    hook.before_train(run)
    clock.now += 3
    hook.after_val_epoch(run, dict(IoU=0.5))
    hook.after_whole_epoch(run)
    assert run.scalars == [(0, {'valid/iou': 0.5, 'seconds': 3.0, 'epoch': 0})]
    run.is_training_run = False
    hook.after_val_epoch(run)
    assert run.lines == ['Epoch(val) [0]  IoU: 0.5000', 'Epoch(val)   ']


def test_what_own_metrics_say_of_themselves_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, hook, info = Run(), ScalarsHook(), MetricInfo('gap', 'a distance', better='less')
    run.log_dir = str(tmp_path)
    run.val_evaluator = SimpleNamespace(metrics=[SimpleNamespace(shown_as=[info])])
    hook.after_val_epoch(run, dict(Dice=0.5))
    assert read_own_metrics(tmp_path) == {}
    for main, noted in ((False, {}), (True, dict(gap=info))):
        monkeypatch.setattr(scalars_hook, 'is_main_process', lambda main=main: main)
        hook.after_val_epoch(run, dict(Dice=0.5, gap=np.float32(2.5)))
        assert read_own_metrics(tmp_path) == noted
    assert run.lines[-1].endswith('gap: 2.5000')
    with pytest.raises(UserError, match=r"the metric 'gap' is of the type list"):
        hook.after_val_epoch(run, dict(gap=[1]))


def test_a_resumed_run_has_the_metrics_of_the_whole_epoch(clock: SimpleNamespace) -> None:
    run, first, second = Run(), ScalarsHook(interval=99), ScalarsHook(interval=99)
    assert first.state_dict() == dict(sums={}, batches=0, learning_rate=0.0, seconds=0.0)
    first.before_train(run)
    step(first, run, 0, rate=0.1, loss=3.0)
    clock.now += 4
    state = first.state_dict()
    step(first, run, 1, rate=9.0, loss=9.0)  # what comes after is no part of the state
    second.load_state_dict(state)
    step(second, run, 1, rate=0.2, loss=1.0)
    assert state == dict(sums=dict(loss=3.0), batches=1, learning_rate=0.1, seconds=4.0)
    second.before_train(run)
    clock.now += 2
    second.after_whole_epoch(run)
    whole = {'train/loss': 2.0, 'learning_rate': 0.2, 'seconds': 6.0, 'epoch': 0}
    assert run.scalars == [(0, whole)]
    second.load_state_dict(state)
    second.after_whole_epoch(run)
    assert run.scalars[1][1]['learning_rate'] == 0.1


def test_metrics_are_means_of_all_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other process has metrics twice as large."""

    def all_reduce_dict(metrics: dict[str, torch.Tensor], operation: str) -> None:
        for value in metrics.values():
            value.copy_(getattr(torch.stack([value, 2 * value]), operation)())

    monkeypatch.setattr(scalars_hook, 'all_reduce_dict', all_reduce_dict)
    run, hook = Run(), ScalarsHook(interval=1)
    step(hook, run, 0, rate=0.1, loss=0.1)
    hook.after_whole_epoch(run)
    # No digit is lost on the way.
    assert run.scalars[0][1]['step/loss'] == run.scalars[1][1]['train/loss'] == 0.1 * 3 / 2
