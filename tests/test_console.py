"""What a run prints: where it runs, bars, a line per epoch with loss, pace and the time left."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from custom_modules.base import progress
from custom_modules.base.progress import ProgressBar
from custom_modules.datasets.shared_images import image_marks
from custom_modules.engine.hooks import console_hook
from custom_modules.engine.hooks.console_hook import ConsoleHook
from tests.fake_loop import StillEpochs


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


class Bar:
    """A bar that notes what it shows."""

    def __init__(self, title: str, total: int, done: int, visible: bool) -> None:
        self.shown: list = [f'{title}: {done} of {total}']
        self.visible = visible
        self.ended = False

    def __enter__(self) -> 'Bar':
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True

    def advance(self, note: str = '') -> None:
        self.shown.append(note)


@pytest.fixture
def bars(monkeypatch: pytest.MonkeyPatch) -> list[Bar]:
    bars: list[Bar] = []

    def bar(*arguments: Any) -> Bar:
        bars.append(Bar(*arguments))
        return bars[-1]

    monkeypatch.setattr(console_hook, 'ProgressBar', bar)
    return bars


class Images(list):
    """A data set of files of which each is named after its number."""

    def __init__(self, folder: Path, numbers: range) -> None:
        super().__init__(numbers)
        self.folder = folder

    def get_data_info(self, index: int) -> dict:
        return dict(img_path=str(self.folder / f'{self[index]}.jpg'))


class Loader(list):
    batch_size = 4
    dataset: Any = range(1040)


class FSDPEncoder(torch.nn.Linear):
    """As ``fully_shard`` names what it splits."""


class Net(torch.nn.Module):
    def __init__(self, head: bool = True) -> None:
        super().__init__()
        self.backbone = FSDPEncoder(100, 10)
        if head:
            self.decode_head = torch.nn.Conv2d(1, 1, 3)


def runner_of(**changes: Any) -> Any:
    """Return a runner before its third epoch of five, of which four of ten steps are done."""
    losses = SimpleNamespace(mean=lambda steps: 0.5 if steps == 6 else 9.0)
    settings = dict(
        epoch=2,
        max_epochs=5,
        world_size=2,
        log_dir='runs/1',
        bare_model=Net(),
        train_images=[],
        optim_wrapper=SimpleNamespace(dtype=torch.bfloat16),
        train_dataloader=Loader(range(10)),
        val_dataloader=Loader(range(3)),
        test_dataloader=Loader(range(7)),
        val_loop=object(),
        val_evaluator=SimpleNamespace(metrics=()),
        message_hub=SimpleNamespace(get_scalar={'train/loss': losses}.__getitem__),
    )
    runner = SimpleNamespace(**settings | changes)
    runner.train_loop = StillEpochs(runner, 4 if runner.epoch == 2 else 0)
    return runner


def test_the_line_of_an_epoch(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten steps of four images on each of two processes, of which four were done before."""
    runner = runner_of()
    hook = ConsoleHook(metrics=('loss', 'Dice'))
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    clock.now += 12
    hook.after_train_epoch(runner)
    hook.before_val_epoch(runner)
    clock.now += 6
    hook.after_val_epoch(runner, dict(loss=0.25, Dice=0.75, IoU=0.6))
    runner.epoch, runner.train_loop.steps_into_epoch = 3, 0
    hook.after_whole_epoch(runner)
    # 6 steps x 4 images x 2 processes in 12 s; 0.6 epochs in 18 s, so two more take a minute.
    line = 'epoch 3/5  loss 0.5000  4.0 images/s  val loss 0.2500  val Dice 0.7500  0:01:00 left'
    assert capsys.readouterr().out.splitlines()[-1] == line
    clock.now += 12
    runner.epoch = 4
    hook.after_whole_epoch(runner)  # what was shown is not shown again
    assert capsys.readouterr().out.splitlines()[-1] == 'epoch 4/5  0:00:19 left'


def test_an_epoch_that_lacked_its_validation_alone(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    """A resume begins with it: no epoch was trained, from whose time the rest could be told."""
    runner = runner_of(epoch=5)
    hook = ConsoleHook()
    hook.before_train(runner)
    hook.before_val_epoch(runner)
    clock.now += 6
    hook.after_val_epoch(runner, dict(other=3, IoU=0.5, recall=1, num_images=6))
    hook.after_whole_epoch(runner)
    assert capsys.readouterr().out.splitlines()[-1] == (
        'epoch 5/5  val IoU 0.5000  val other 3.0000  0:00:00 left'
    )


@pytest.mark.parametrize(
    ('changes', 'names', 'parameters', 'dtype'),
    [
        ({}, 'Encoder + Conv2d', '1,020', 'bfloat16'),
        (dict(bare_model=Net(head=False)), 'Net', '1,010', 'bfloat16'),  # a model of one's own
        (dict(optim_wrapper=object()), 'Encoder + Conv2d', '1,020', 'fp32'),  # and wrapper
    ],
)
def test_where_it_runs(
    changes: dict,
    names: str,
    parameters: str,
    dtype: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(console_hook, 'describe_device', lambda: 'a processor')
    ConsoleHook().before_train(runner_of(**changes))
    assert capsys.readouterr().out.splitlines() == [
        f'{names}, {parameters} parameters; a processor, {dtype}',
        '1,040 images, 5 epochs; writing to runs/1',
    ]


def test_a_training_without_validation(capsys: pytest.CaptureFixture[str]) -> None:
    ConsoleHook().before_train(runner_of(val_loop=None, val_dataloader=None))
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 3 and 'no validation' in said[-1]


@pytest.mark.parametrize(('first', 'shared'), [(4, 2), (6, 0)])
def test_a_validation_of_training_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], first: int, shared: int
) -> None:
    runner = runner_of()
    runner.train_dataloader.dataset = Images(tmp_path, range(6))
    runner.val_dataloader.dataset = Images(tmp_path, range(first, 9))
    runner.train_images = sorted(image_marks(runner.train_dataloader.dataset))
    ConsoleHook().before_train(runner)
    warnings = capsys.readouterr().out.splitlines()[2:]
    assert len(warnings) == bool(shared)
    for warning in warnings:
        assert f'{shared} of the validation images are training images' in warning


def test_bars_of_a_training(clock: Clock, bars: list[Bar]) -> None:
    """The loss is read at every tenth step; reading it would wait for a GPU."""
    runner = runner_of(train_dataloader=Loader(range(22)))
    hook = ConsoleHook()
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    for step in (9, 10, 11, 20):
        loss = torch.tensor(step / 8.0, requires_grad=True)
        hook.after_train_iter(runner, step, None, dict(loss=loss))
    hook.after_train_iter(runner, 30, None, None)
    clock.now += 3
    runner.message_hub.get_scalar = lambda _: SimpleNamespace(mean=lambda _: 0.25)
    hook.after_train_epoch(runner)
    assert bars[0].ended and bars[0].visible
    notes = ['loss 0.0000', 'loss 1.2500', 'loss 1.2500', 'loss 2.5000', 'loss 2.5000']
    assert bars[0].shown == ['epoch 3/5: 4 of 22', *notes]
    hook.before_val_epoch(runner)
    hook.after_val_iter(runner, 0)
    hook.after_val_epoch(runner)
    assert (bars[1].shown, bars[1].ended) == (['validation: 0 of 3', ''], True)
    hook.before_train_epoch(runner)  # and until its first tenth step the loss of the one before
    hook.after_train_iter(runner, 1, None, None)
    assert bars[2].shown[-1] == 'loss 0.2500'


@pytest.mark.parametrize('end', ['after_test_epoch', 'after_run', 'after_failure'])
def test_the_bar_of_a_test(bars: list[Bar], end: str) -> None:
    """The message of a failure is to stand below it."""
    runner, hook = runner_of(), ConsoleHook()
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0)
    assert not bars[0].ended
    getattr(hook, end)(runner)
    assert (bars[0].shown, bars[0].ended) == (['test: 0 of 7', ''], True)
    hook.after_run(runner)  # nothing is open any more


def test_a_bar_that_was_left_open_ends_where_the_next_one_begins(bars: list[Bar]) -> None:
    runner, hook = runner_of(), ConsoleHook()
    hook.before_val_epoch(runner)
    hook.before_test_epoch(runner)
    assert [bar.ended for bar in bars] == [True, False]


def test_only_one_process_shows_something(
    bars: list[Bar],
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(console_hook, 'is_main_process', lambda: False)
    runner, hook = runner_of(), ConsoleHook()
    runner.train_dataloader.dataset = runner.val_dataloader.dataset = Images(tmp_path, range(2))
    monkeypatch.setattr(console_hook, 'trained_on', None)  # nor does it look at the files
    hook.before_train(runner)
    hook.before_train_epoch(runner)
    clock.now += 1
    hook.after_train_epoch(runner)
    hook.after_whole_epoch(runner)
    assert capsys.readouterr().out == ''
    assert [bar.visible for bar in bars] == [False]


@pytest.mark.parametrize('kernel', [True, False])
def test_a_notebook_has_one_line_that_changes(
    kernel: bool, clock: Clock, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """IPython in a terminal has no kernel; its lines, where it writes to a file, are seldom."""
    shell = SimpleNamespace(kernel=None) if kernel else SimpleNamespace()
    monkeypatch.setitem(sys.modules, 'IPython', SimpleNamespace(get_ipython=lambda: shell))
    monkeypatch.setattr(progress, 'time', clock)
    with ProgressBar('epoch 1', 4) as bar:
        bar.advance('loss 0.25')  # too soon
        for note in ('loss 0.125', ''):
            clock.now += 1
            bar.advance(note)
    lines = ['epoch 1  2/4  0:00:01 left  loss 0.125', 'epoch 1  3/4  0:00:01 left']
    width = len(lines[0])
    shown = f'\r{lines[0]}\r{lines[1]:{width}}\r{"":{width}}\r'
    assert capsys.readouterr().out == (shown if kernel else '')
