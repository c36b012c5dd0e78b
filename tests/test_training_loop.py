"""The training loop and what is saved at its epochs, on a network of one weight."""

import logging
import math
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch.utils.data import DataLoader

from custom_modules.base.errors import UserError
from custom_modules.engine import loops
from custom_modules.engine.hooks import best_and_last_hook
from custom_modules.engine.hooks.best_and_last_hook import BestAndLastCheckpoint
from custom_modules.engine.loops import ResumableTrainLoop

STEPS = 3


class OneWeight(torch.nn.Module):
    """A model of MMEngine's kind that notes the batches it is trained on."""

    def __init__(self, seen: list[int]) -> None:
        super().__init__()
        self.seen = seen

    def train_step(self, batch: torch.Tensor, optim_wrapper: Any) -> dict:
        assert self.training
        self.seen.append(int(batch))
        return {}


class Log:
    """A logger and a visualizer."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.closed = False

    def log(self, level: int, text: str) -> None:
        self.lines.append((level, text))

    def close(self) -> None:
        self.closed = True


class Images(list):
    metainfo: dict = {}  # noqa: RUF012  (as MMEngine's data sets have it)


class Runner:
    """What the loop asks of a runner; it notes what happens."""

    distributed = False
    optim_wrapper = _train_loop = None

    def __init__(self, folder: Path, hooks: tuple = (), **loop: Any) -> None:
        self.log_dir = str(folder / '20260101_000000')
        Path(self.log_dir).mkdir()
        self.hooks = hooks
        self.happened: list[str] = []
        self.seen: list[int] = []
        self.model = OneWeight(self.seen)
        self.visualizer = self.logger = Log()
        self.calls: list[str] = []
        self.val_loop: Any = SimpleNamespace(run=lambda: self.note('validated'))
        self.val_evaluator = SimpleNamespace(metrics=())
        loader = DataLoader(Images(range(STEPS)), batch_size=1)
        self.train_loop = ResumableTrainLoop(self, loader, **loop)

    epoch = property(lambda self: self.train_loop.epoch)
    max_epochs = property(lambda self: self.train_loop.max_epochs)

    def note(self, what: str) -> None:
        self.model.eval()
        self.happened.append(f'{what} {self.epoch}')

    def call_hook(self, name: str, **arguments: Any) -> None:
        number = arguments.get('batch_idx')
        self.calls.append(name if number is None else f'{name} {number}')
        for hook in self.hooks:
            if hasattr(hook, name):
                getattr(hook, name)(self, **arguments)


def save_last(runner: Runner, keep_previous: bool = True) -> None:
    runner.note('saved' if keep_previous else 'saved alone')


def save_weights(runner: Runner, filename: str, metrics: dict | None = None) -> None:
    runner.note(f'{filename} {metrics or ""}'.strip())
    Path(runner.log_dir, filename).touch()


@pytest.fixture(autouse=True)
def _saves_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, 'save_last', save_last)
    monkeypatch.setattr(best_and_last_hook, 'save_last', save_last)
    monkeypatch.setattr(best_and_last_hook, 'save_weights', save_weights)


@pytest.mark.parametrize(
    ('interval', 'begin', 'epochs', 'validated'),
    [
        (1, 1, 3, [1, 2, 3]),
        (2, 1, 5, [2, 4, 5]),  # the last epoch always
        (3, 1, 2, [2]),
        (1, 3, 4, [3, 4]),
        (2, 3, 5, [4, 5]),
        (1, 9, 2, []),
    ],
)
def test_which_epochs_are_validated(
    tmp_path: Path, interval: int, begin: int, epochs: int, validated: list[int]
) -> None:
    runner = Runner(tmp_path, max_epochs=epochs, val_interval=interval, val_begin=begin)
    runner.train_loop.run()
    assert runner.happened == [f'validated {epoch}' for epoch in validated]
    assert runner.seen == [*range(STEPS)] * epochs
    assert (tmp_path / 'latest').resolve() == Path(runner.log_dir)


@pytest.mark.parametrize(
    ('interval', 'epochs', 'stop_after', 'saved'),
    [
        (1, 3, None, [1, 2, 3]),
        (2, 5, None, [2, 4, 5]),  # the last epoch always
        (4, 6, 3, [3]),  # also where a hook ends the training
        (9, 2, None, [2]),
    ],
)
def test_which_epochs_are_saved(
    tmp_path: Path, interval: int, epochs: int, stop_after: int | None, saved: list[int]
) -> None:
    def stop(runner: Runner) -> None:
        runner.train_loop.stop_training |= runner.epoch + 1 == stop_after

    hooks = (SimpleNamespace(after_train_epoch=stop), BestAndLastCheckpoint(interval=interval))
    runner = Runner(tmp_path, hooks, max_epochs=epochs, val_begin=99)
    runner.train_loop.run()
    assert runner.happened == [f'saved {epoch}' for epoch in saved]


@pytest.mark.parametrize('keep', [True, False])
def test_the_one_before_is_kept_unless_told_otherwise(tmp_path: Path, keep: bool) -> None:
    hook = BestAndLastCheckpoint() if keep else BestAndLastCheckpoint(keep_previous=False)
    runner = Runner(tmp_path, (hook,), max_epochs=2, val_begin=99)
    runner.train_loop.run()
    saved = 'saved' if keep else 'saved alone'
    assert runner.happened == [f'{saved} 1', f'{saved} 2']


def test_copies_of_epochs_and_how_many_stay(tmp_path: Path) -> None:
    hook = BestAndLastCheckpoint(keep_epochs=2, max_keep_ckpts=2, interval=99)
    runner = Runner(tmp_path, (hook,), max_epochs=11, val_begin=99)
    runner.train_loop.run()
    copies = [f'epoch_{epoch}.pth {epoch}' for epoch in (2, 4, 6, 8, 10)]
    assert runner.happened == [*copies, 'saved 11']
    # By their numbers: as texts, 10 would come before 8.
    assert sorted(p.name for p in Path(runner.log_dir).iterdir()) == ['epoch_10.pth', 'epoch_8.pth']
    for number in (0, -2):
        with pytest.raises(UserError, match=f'max_keep_ckpts={number} is not allowed'):
            BestAndLastCheckpoint(max_keep_ckpts=number)


def test_best_is_saved_at_each_new_best_of_a_training(tmp_path: Path) -> None:
    hook = BestAndLastCheckpoint(interval=99)
    assert hook.state_dict() == dict(best_score=-math.inf, monitor='Dice', best_epoch=0)
    runner = Runner(tmp_path, max_epochs=9)
    runner.is_training_run = False
    hook.after_val_epoch(runner, dict(Dice=0.9))  # a validation on its own is no choice
    runner.is_training_run = True
    for epoch, score in ((1, 0.5), (2, 0.4), (3, 0.6)):
        runner.train_loop._epoch = epoch
        hook.after_val_epoch(runner, dict(Dice=score))
    assert runner.happened == ["best.pth {'Dice': 0.5} 1", "best.pth {'Dice': 0.6} 3"]
    other = BestAndLastCheckpoint()
    other.load_state_dict(hook.state_dict())
    assert (other.best.value, other.best_epoch) == (0.6, 3)
    falling = BestAndLastCheckpoint('fallout', 'less')
    for epoch, score in ((4, 0.5), (5, 0.25), (6, 0.3)):
        runner.train_loop._epoch = epoch
        falling.after_val_epoch(runner, dict(fallout=score))
    assert falling.best_epoch == 5


@pytest.mark.parametrize(
    ('state', 'seen', 'happened'),
    [
        (dict(_epoch=1), [0, 1, 2], ['validated 2']),
        (dict(_epoch=1, steps_into_epoch=2), [2], ['validated 2']),
        (dict(_epoch=1, validation_pending=True), [0, 1, 2], ['validated 1', 'validated 2']),
        (dict(_epoch=2, validation_pending=True), [], ['validated 2']),
        (dict(_epoch=1, stop_training=True), [], []),
    ],
)
def test_where_a_resumed_run_goes_on(
    tmp_path: Path, state: dict, seen: list[int], happened: list[str]
) -> None:
    runner = Runner(tmp_path, max_epochs=2)
    vars(runner.train_loop).update(state)
    runner.train_loop.run()
    assert (runner.seen, runner.happened) == (seen, happened)
    assert runner.train_loop.steps_into_epoch == 0
    assert runner.train_loop.validation_pending is False


def test_a_resumed_run_counts_the_seconds_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock: Iterator[float] = iter((100.0, 103.5))
    runner = Runner(tmp_path, max_epochs=0)
    runner.train_loop.seconds_before = 60.0
    with monkeypatch.context() as patch:
        patch.setattr(time, 'monotonic', lambda: next(clock))
        runner.train_loop.run()
        assert runner.train_loop.seconds == 60.0 + 3.5


def stopped_at(step: int) -> SimpleNamespace:
    """Return a hook at whose step the process is asked to end."""

    def after_train_iter(runner: Runner, **_: Any) -> None:
        if len(runner.seen) == step:
            signal.raise_signal(signal.SIGTERM)

    return SimpleNamespace(after_train_iter=after_train_iter)


@pytest.mark.parametrize(('asked_at', 'left_at'), [(1, 1), (2, 2), (3, None)])
def test_a_signal_ends_an_epoch_between_two_batches(
    tmp_path: Path, asked_at: int, left_at: int | None
) -> None:
    """After the last batch the epoch is whole: its validation and its checkpoint come first."""
    runner = Runner(tmp_path, (stopped_at(asked_at),), max_epochs=1)
    if left_at is None:
        runner.train_loop.run()
        assert runner.happened == ['validated 1']
        return
    with pytest.raises(SystemExit, match='143'):
        runner.train_loop.run()
    assert runner.happened == ['saved 0']
    assert runner.train_loop.steps_into_epoch == len(runner.seen) == left_at
    ((level, said),) = runner.logger.lines
    assert level == logging.WARNING
    assert f'stopped by SIGTERM in epoch 1 after {left_at} steps' in said
    assert f'--resume {runner.log_dir}' in said
    assert runner.visualizer.closed


def test_many_processes_do_not_leave_before_they_have_agreed(tmp_path: Path) -> None:
    """They ask each other at every tenth batch."""
    runner = Runner(tmp_path, (stopped_at(1),), max_epochs=1)
    runner.distributed = True
    runner.train_loop.run()
    assert runner.happened == ['validated 1']


def test_what_hooks_are_told(tmp_path: Path) -> None:
    runner = Runner(tmp_path, max_epochs=2)
    runner.val_loop = None  # a training may do without
    runner.train_loop._epoch, runner.train_loop.steps_into_epoch = 1, 1
    runner.train_loop.run()
    steps = [f'{when}_train_iter {step}' for step in (1, 2) for when in ('before', 'after')]
    epoch = ['before_train_epoch', *steps, 'after_train_epoch', 'after_whole_epoch']
    assert runner.calls == ['before_train', *epoch, 'after_train']


def test_a_batch_that_cannot_be_normalised(tmp_path: Path) -> None:
    def fails(*_: Any, **__: Any) -> dict:
        return dict(loss=torch.nn.BatchNorm2d(2)(torch.zeros(1, 2, 1, 1)))

    def fails_otherwise(*_: Any, **__: Any) -> dict:
        raise ValueError('of something else')

    runner = Runner(tmp_path, max_epochs=1)
    for step, error, said in (
        (fails, UserError, 'BatchNorm has one value .*batch_size=2 or more'),
        (fails_otherwise, ValueError, 'of something else'),
    ):
        runner.model.train_step = step
        with pytest.raises(error, match=said):
            runner.train_loop.run()
