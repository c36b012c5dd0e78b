"""The range test drives the rate of the config's own training, and suggests what a curve says."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from custom_modules.base.errors import UserError
from custom_modules.commands import find_learning_rate as learning_rate_finder
from custom_modules.commands.find_learning_rate import (
    SMOOTHING,
    RangeTest,
    find_learning_rate,
    format_rate,
    smooth,
)
from custom_modules.commands.train import train
from custom_modules.config import load_config
from custom_modules.config.line import config_line
from custom_modules.engine import AutocastOptimWrapper
from custom_modules.runs.scalars import read_steps
from tests.conftest import Command, tiny_options

CONFIG = 'configs/sample/unet_sample.py'
NARROW = [
    'model.backbone.channels=[4,8]',
    'model.decode_head.in_channels=[4,8]',
    'model.decode_head.channels=[4]',
]


def losses_with_average(averages: np.ndarray) -> np.ndarray:
    """Return the losses whose smoothed curve is ``averages``."""
    weights = np.cumsum(SMOOTHING ** np.arange(len(averages)))
    sums = averages * weights
    return sums - SMOOTHING * np.concatenate([[0], sums[:-1]])


def range_test(averages: np.ndarray) -> RangeTest:
    rates = np.geomspace(1e-7, 1, len(averages))
    return RangeTest(rates, losses_with_average(averages), skipped=len(averages) // 10)


def test_the_smoothed_loss_is_a_weighted_mean() -> None:
    losses = np.random.default_rng(0).random(50)
    for number, average in enumerate(smooth(losses), start=1):
        weights = SMOOTHING ** np.arange(number)[::-1]
        assert average == pytest.approx(np.average(losses[:number], weights=weights))


def test_the_suggestion_by_hand() -> None:
    steps = np.arange(100)
    # Falls around step 60, rises from step 80 on, and jumps where nothing is looked at.
    averages = 1 - 0.8 / (1 + np.exp(-(steps - 60) / 4.0)) + 0.02 * np.maximum(0, steps - 80)
    averages[:3] += 5
    test = range_test(averages)
    assert test.smoothed == pytest.approx(averages)
    assert (test.steepest(), test.lowest()) == (60, 80)
    assert test.rates[60] == pytest.approx(1e-7 * 10 ** (7 * 60 / 99))


@pytest.mark.parametrize('slope', [0.0, 0.01, -0.0004])
def test_no_rate_is_made_up(slope: float) -> None:
    with pytest.raises(UserError, match='the loss does not fall: '):
        range_test(1 + slope * np.arange(100)).steepest()


def test_a_divergence_from_the_start() -> None:
    with pytest.raises(UserError, match=r'diverged after 3 steps, .* smaller --lowest'):
        RangeTest(np.geomspace(1, 2, 3), np.array([1.0, 9.0, 99.0]), skipped=2).steepest()


def test_a_rate_as_one_writes_it() -> None:
    assert [format_rate(x) for x in (3.14e-4, 1, 0.05, 1e-10, 9.96e-4)] == [
        *('3.1e-4', '1.0e0', '5.0e-2', '1.0e-10', '1.0e-3')
    ]


def test_the_line_for_the_config() -> None:
    def line(place: str, *options: str) -> str:
        return config_line(load_config(CONFIG, options), place, '7')

    rate = 'optim_wrapper.optimizer.lr'
    assert line(rate) == line(rate, 'learning_rate=0.5') == 'learning_rate = 7'
    assert line(rate, f'{rate}=0.5') == 'optim_wrapper = dict(optimizer=dict(lr=7))'
    assert line('train_dataloader.batch_size') == 'batch_size = 7'
    assert line('model.losses.bce') == 'losses = dict(bce=7)'


def test_it_is_the_training_of_the_config(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = [*tiny_options(sample), *NARROW, 'default_hooks.logger.interval=1']
    monkeypatch.chdir(tmp_path)
    config = load_config(CONFIG, options)
    config.resolved.optim_wrapper['paramwise_cfg'] = dict(
        custom_keys=dict(decode_head=dict(lr_mult=0.5))
    )
    rates: list[list[float]] = []
    original = AutocastOptimWrapper.step

    def step(self: AutocastOptimWrapper) -> None:
        rates.append(sorted({group['lr'] for group in self.optimizer.param_groups}))
        original(self)

    monkeypatch.setattr(AutocastOptimWrapper, 'step', step)
    monkeypatch.setattr(learning_rate_finder, 'LEAST_FALL', -1.0)  # the rates are too low for one
    files = sorted(sample.rglob('*'))
    test = find_learning_rate(config, steps=20, highest=1e-6)
    assert sorted(sample.rglob('*')) == files and not list(tmp_path.iterdir())
    expected = np.geomspace(1e-7, 1e-6, 20)
    assert np.array(rates) == pytest.approx(np.stack([expected / 2, expected], axis=1))
    # Its first step, before which no rate has had a say, is that of a run.
    config.resolved.experiment_name = 'the same training'
    run = train(config, str(tmp_path / 'runs'))
    assert read_steps(run)[1]['step/loss'] == pytest.approx(test.losses[0], abs=0)


def test_a_step_is_an_update(sample: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    updates: list[dict] = []
    monkeypatch.setattr(AutocastOptimWrapper, 'step', lambda _, **kwargs: updates.append(kwargs))
    options = [*tiny_options(sample), *NARROW, 'optim_wrapper.accumulative_counts=2']
    with pytest.raises(UserError, match='does not fall'):
        find_learning_rate(load_config(CONFIG, options), steps=20)
    assert len(updates) == 20


def test_the_tool_on_the_synthetic_data_set(
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    run_tool_here: Command,
) -> None:
    monkeypatch.chdir(tmp_path)
    options = [*tiny_options(sample), *NARROW]
    answers = []
    for name in ('a.png', 'b.png'):
        words = ['find_learning_rate.py', CONFIG, '--out', f'made/{name}']
        done = run_tool_here(*words, '--cfg-options', *options)
        # Before them stands what the data set says, once in a process.
        answers.append(done.stdout.splitlines()[-3:-1])
    assert answers[0] == answers[1]
    line = answers[0][-1]
    assert line.startswith('learning_rate = ')
    assert 1e-4 < float(line.split(' = ')[1]) < 1e-1
    assert [path.name for path in tmp_path.iterdir()] == ['made']
    one, other = (cv2.imread(str(tmp_path / 'made' / name)) for name in ('a.png', 'b.png'))
    assert one.shape == (480, 864, 3) and np.array_equal(one, other)


@pytest.mark.parametrize(
    ('arguments', 'options', 'message'),
    [
        (dict(steps=19), [], '--steps 19 is not allowed; use an integer from 20'),
        (dict(lowest=1e-3, highest=1e-3), [], '--lowest 0.001 --highest 0.001: use two numbers'),
        (dict(lowest=0.0), [], '--lowest 0 --highest 1: use two numbers above 0'),
        (dict(highest=math.nan), [], '--highest nan: use two numbers'),
        (dict(picture=Path('a.gif')), [], r'--out a\.gif: the name must end in one of \.png'),
        (dict(picture=Path('folder.png')), [], r'folder\.png: cannot be written'),
        ({}, ['batch_size=64'], 'do not fill one batch of 64'),
        (
            {},
            ['preprocessor.std=[1e-40,1e-40,1e-40]'],
            'the loss of the first step is nan; look at the data',
        ),
    ],
)
def test_bad_input(
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: dict,
    options: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path('folder.png').mkdir()
    config = load_config(CONFIG, [*tiny_options(sample), *NARROW, *options])
    with pytest.raises(UserError, match=message):
        find_learning_rate(config, **arguments)
