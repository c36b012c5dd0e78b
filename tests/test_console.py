"""What a run prints: a line per epoch with loss, pace and the time that is left."""

from types import SimpleNamespace
from typing import Any

import pytest

from custom_modules.engine.hooks import console_hook


class Clock:
    """Seconds that pass when they are told to."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(console_hook, 'time', clock)
    return clock


class Loader(list):
    batch_size = 4
    dataset = range(40)


def test_the_line_of_an_epoch(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten steps of four images on each of two processes, of which four were done before."""
    losses = SimpleNamespace(mean=lambda steps: 0.5 if steps == 6 else 9.0)
    runner: Any = SimpleNamespace(
        epoch=2,
        max_epochs=5,
        world_size=2,
        train_dataloader=Loader(range(10)),
        val_dataloader=Loader(range(3)),
        train_loop=SimpleNamespace(steps_into_epoch=4),
        message_hub=SimpleNamespace(get_scalar=lambda _: losses),
    )
    hook = console_hook.ConsoleHook(figures=('loss', 'Dice'))
    hook.started, hook.first_epoch = clock.now, 2.4  # as ``before_train`` sets them
    hook.before_train_epoch(runner)
    clock.now += 12
    hook.after_train_epoch(runner)
    hook.before_val_epoch(runner)
    clock.now += 6
    hook.after_val_epoch(runner, dict(loss=0.25, Dice=0.75, IoU=0.6))
    runner.epoch = 3
    hook.after_whole_epoch(runner)
    # 6 steps x 4 images x 2 processes in 12 s; 0.6 epochs in 18 s, so two more take a minute.
    line = 'epoch 3/5  loss 0.5000  4.0 images/s  val loss 0.2500  val Dice 0.7500  0:01:00 left'
    assert capsys.readouterr().out.splitlines()[-1] == line
    clock.now += 12
    runner.epoch = 4
    hook.after_whole_epoch(runner)  # what was shown is not shown again
    assert capsys.readouterr().out.splitlines()[-1] == 'epoch 4/5  0:00:19 left'
