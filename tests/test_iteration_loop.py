"""Training that is counted in steps: exact over stops, and told as such by all that reads a run."""

import json
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from custom_modules.base.errors import UserError
from custom_modules.commands.publish import publish
from custom_modules.commands.report import report_runs
from custom_modules.commands.test import test as score
from custom_modules.commands.train import train
from custom_modules.config import LoadedConfig, load_config
from custom_modules.engine import stop_signal
from custom_modules.engine.hooks.best_and_last_hook import BestAndLastCheckpoint
from custom_modules.engine.training_check import check_training
from custom_modules.runs.scalars import read_epochs, read_steps, unit_of
from custom_modules.studies.experiments import plan
from tests.conftest import ROOT
from tests.same_training import assert_same_training, final_state

#: Three steps an epoch, validations after the steps 4, 8 and 10: never at the end of an epoch.
OPTIONS = [
    'image_size=32',
    'batch_size=4',
    'train_dataloader.dataset.indices=12',
    'val_dataloader.dataset.indices=4',
    'test_dataloader.dataset.indices=4',
    'max_iters=10',
    'val_interval=4',
    'warm_up=3',
    'learning_rate=0.5',
    'default_hooks.logger.interval=1',
    'precision=fp32',
]
IN_STEPS = ('max_iters', 'val_interval', 'warm_up')
CONFIG = f"""
_base_ = [
    '{ROOT}/configs/_base_/models/unet.py',
    '{ROOT}/configs/_base_/datasets/oxford_pet.py',
    '{ROOT}/configs/_base_/schedules/sgd_poly.py',
    '{ROOT}/configs/_base_/default_runtime.py',
]
num_workers = 0
model = dict(backbone=dict(channels=[2, 4]), decode_head=dict(channels=[2]))
optim_wrapper = dict(
    accumulative_counts=2, clip_grad=dict(max_norm=0.5), paramwise_cfg=dict(layer_decay=0.75)
)
custom_hooks = [
    dict(type='SyncBuffersHook'), dict(type='ConsoleHook'), dict(type='EMAHook', momentum=0.1)
]
"""


@pytest.fixture(scope='module')
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp('config') / 'steps.py'
    path.write_text(CONFIG)
    return path


def steps(path: Path, sample: Path, *more: str) -> LoadedConfig:
    return load_config(path, [*OPTIONS, f'data_root={sample}', *more])


@pytest.fixture(scope='module')
def whole(path: Path, sample: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(steps(path, sample), str(tmp_path_factory.mktemp('whole')))


@contextmanager
def stopped(step: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Send SIGTERM in a step of the training that begins in here."""

    def stop(_: Any, runner: Any, *__: object, **___: object) -> None:
        if runner.iter + 1 == step:
            signal.raise_signal(signal.SIGTERM)

    with monkeypatch.context() as patch, pytest.raises(SystemExit) as left:
        patch.setattr(BestAndLastCheckpoint, 'after_train_iter', stop)
        yield
    assert left.value.code == 128 + signal.SIGTERM


@pytest.mark.parametrize('step', [3, 4, 6, 9])
def test_a_training_that_is_stopped_goes_on_to_the_last_bit(
    step: int,
    path: Path,
    whole: Path,
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By SIGTERM after the end of an epoch, before a validation, inside intervals and epochs."""
    with stopped(step, monkeypatch):
        train(steps(path, sample), str(tmp_path))
    parts = tmp_path / 'latest'
    meta = final_state(parts)['meta']
    assert (meta['iter'], meta['validation_pending']) == (step, step == 4)
    assert (meta['epoch'], meta['steps_into_epoch']) == divmod(step, 3)
    train(steps(path, sample, 'num_workers=2'), str(tmp_path), resume='')
    assert_same_training(whole, parts)
    bests = [torch.load(run / 'best.pth')['state_dict'] for run in (whole, parts)]
    assert all(torch.equal(bests[0][name], bests[1][name]) for name in bests[0])
    without_time = [
        {n: {k: v for k, v in row.items() if k != 'seconds'} for n, row in read_epochs(run).items()}
        for run in (whole, parts)
    ]
    assert without_time[0] == without_time[1]
    assert read_steps(whole) == read_steps(parts)


@pytest.mark.usefixtures('one_process')
def test_an_average_that_is_sharded(
    path: Path, whole: Path, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is that of a whole model, also after a stop inside a validation and from weights."""
    monkeypatch.setattr(stop_signal, 'AGREE_EVERY', 1)

    def sharded(name: str, *more: str, resume: str | None = None) -> Path:
        config = steps(path, sample, 'shard=True', *more)
        return train(config, str(tmp_path / name), resume, launcher='pytorch')

    uncut = sharded('uncut')
    with stopped(4, monkeypatch):
        sharded('parts')
    parts = tmp_path / 'parts' / 'latest'
    assert final_state(parts)['meta']['validation_pending']
    sharded('parts', resume='')
    assert_same_training(uncut, parts)
    for file, key in (('last', 'state_dict'), ('last', 'ema_state_dict'), ('best', 'state_dict')):
        states = [torch.load(run / f'{file}.pth')[key] for run in (whole, parts)]
        torch.testing.assert_close(*states, rtol=1e-5, atol=1e-6)

    start = f'load_from={whole / "best.pth"}'
    run = sharded('started', start, 'max_iters=4', 'learning_rate=1e-9')
    head, begun = (
        torch.load(one / 'best.pth')['state_dict']['decode_head.logits.weight']
        for one in (whole, run)
    )
    torch.testing.assert_close(begun, head, rtol=1e-5, atol=1e-6)


def test_rates_validations_and_means_are_those_of_the_steps(whole: Path) -> None:
    """Rates by hand: three steps of warm-up, then the seven that are left as a power of 0.9.

    They are the head's, of which the levels of the encoder have a share.
    """
    rows = read_steps(whole)
    assert list(rows) == list(range(1, 11))
    warm_up = [0.001 + 0.999 * step / 2 for step in range(3)]
    falling = [(1 - step / 6) ** 0.9 for step in range(7)]
    rates = [row['step/learning_rate'] for row in rows.values()]
    assert rates == pytest.approx([0.5 * share for share in warm_up + falling], rel=1e-6)
    intervals = read_epochs(whole)
    assert list(intervals) == [4, 8, 10] and unit_of(intervals) == 'step'
    for first, last in ((1, 4), (5, 8), (9, 10)):
        losses = [rows[step]['step/loss'] for step in range(first, last + 1)]
        assert intervals[last]['train/loss'] == pytest.approx(sum(losses) / len(losses), rel=1e-5)
        assert 'valid/dice' in intervals[last]


def test_more_steps_go_on_from_the_end(path: Path, sample: Path, tmp_path: Path) -> None:
    """The last interval of before was cut short; validations are at multiples again."""
    run = train(steps(path, sample, 'max_iters=6'), str(tmp_path))
    assert list(read_epochs(run)) == [4, 6]
    train(steps(path, sample, 'max_iters=9'), str(tmp_path), resume='')
    assert list(read_epochs(run)) == [4, 6, 8, 9]
    in_epochs = tmp_path / 'epochs.py'
    in_epochs.write_text(CONFIG.replace('sgd_poly', 'adam'))
    options = [one for one in OPTIONS if one.partition('=')[0] not in IN_STEPS]
    other = load_config(in_epochs, [*options, f'data_root={sample}'])
    with pytest.raises(UserError, match='the run counts steps, this config epochs'):
        train(other, str(tmp_path), resume=str(run))


def test_copies_are_of_intervals(path: Path, sample: Path, tmp_path: Path) -> None:
    keep = ['default_hooks.checkpoint.keep_epochs=1', 'default_hooks.checkpoint.max_keep_ckpts=2']
    run = train(steps(path, sample, *keep), str(tmp_path))
    assert {one.name for one in run.glob('step_*.pth')} == {'step_8.pth', 'step_10.pth'}


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['val_interval=11'], r'val_interval = 11 is more than max_iters = 10; use at most'),
        (['train_cfg.val_begin=11'], r'val_begin = 11 is after the end .*, max_iters = 10'),
        (['param_scheduler.1.by_epoch=True'], r'param_scheduler\.1 \(PolyLR\) counts epochs'),
        (['warm_up=10'], r'\.1 \(PolyLR\): begin = 10 is not before the end of the training'),
        (['param_scheduler.1.end=3'], r'end = 3 is not after begin = 3; use a larger end'),
        (['max_iters=0'], r'max_iters = 0 is not allowed; use an integer from 1'),
        (['train_cfg.max_iters=None'], r'max_iters = None is not allowed; use an integer from 1'),
        (['train_cfg.max_epochs=3'], "has no key 'max_epochs'"),
        (
            ["train_dataloader.sampler=dict(type='InfiniteSampler',_delete_=True)"],
            r"'InfiniteSampler' never ends an epoch; use 'SeededSampler'",
        ),
    ],
)
def test_mistakes_are_said(options: list[str], message: str, path: Path, sample: Path) -> None:
    with pytest.raises(UserError, match=message) as said:
        check_training(steps(path, sample, *options).resolved)
    assert '\n' not in str(said.value)


def test_experiments_know_what_they_count(path: Path, sample: Path, tmp_path: Path) -> None:
    options = [*OPTIONS[:-1], f'data_root={sample}']
    (experiment,) = plan([path], tmp_path, options=options)
    assert (experiment.total, experiment.unit) == (10, 'step')


def test_a_schedule_of_mmsegmentation_is_a_base(tmp_path: Path, sample: Path) -> None:
    """Its file as it is: loops, optimizer and rates; one variable each for length and rate."""
    path = tmp_path / 'theirs.py'
    theirs = 'mmseg::_base_/schedules/schedule_20k.py'
    text = CONFIG.replace(f'{ROOT}/configs/_base_/schedules/sgd_poly.py', theirs)
    text = re.sub(r'(?s)optim_wrapper = .*?\n\)\n', '', text)
    losses = "losses = [dict(type='BinaryDiceLoss')]\nweight_init = None\n"
    path.write_text(text + losses)
    config = load_config(path).resolved
    assert config.train_cfg == dict(type='ResumableIterLoop', max_iters=20000, val_interval=2000)
    assert config.optim_wrapper['type'] == 'AutocastOptimWrapper'
    optimizer = dict(type='SGD', lr=0.01, momentum=0.9, weight_decay=0.0005)
    assert config.optim_wrapper['optimizer'] == optimizer
    poly = dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=0, by_epoch=False)
    assert config.param_scheduler == [poly | dict(end=20000)]
    assert config.val_cfg['type'] == 'ValidationLoop'
    short = [*(one for one in OPTIONS if 'warm_up' not in one), f'data_root={sample}']
    run = train(load_config(path, short), str(tmp_path / 'runs'))
    rates = [row['step/learning_rate'] for row in read_steps(run).values()]
    assert rates == pytest.approx(
        [(0.5 - 1e-4) * (1 - step / 9) ** 0.9 + 1e-4 for step in range(10)]
    )


def test_their_loops_in_a_config_of_ones_own_are_ours(path: Path, tmp_path: Path) -> None:
    """What somebody brings along in the file itself."""
    own = tmp_path / 'own.py'
    own.write_text(
        f"_base_ = '{path}'\n"
        "train_cfg = dict(type='IterBasedTrainLoop', max_iters=40, val_interval=20)\n"
        "val_cfg = dict(type='ValLoop')\ntest_cfg = dict(type='TestLoop')\n"
    )
    config = load_config(own, ['param_scheduler.1.end=40', 'warm_up=3']).resolved
    check_training(config)
    kinds = [config[key]['type'] for key in ('train_cfg', 'val_cfg', 'test_cfg')]
    assert kinds == ['ResumableIterLoop', 'ValidationLoop', 'EvaluationLoop']


def test_its_test_its_page_and_its_published_folder_say_its_steps(
    whole: Path, path: Path, sample: Path, tmp_path: Path
) -> None:
    training = torch.load(whole / 'best.pth')['meta']['training']
    assert training['max_steps'] == 10 and training['steps'] in (4, 8, 10)
    config = steps(path, sample)
    score(config, str(whole / 'best.pth'), str(tmp_path / 'test'), quick=True)
    metrics = tmp_path / 'test' / 'metrics.json'
    found = json.loads(metrics.read_text())['training']
    assert (found['steps'], found['max_steps']) == (training['steps'], 10)
    page = report_runs([str(whole)], str(tmp_path / 'page.html')).read_text()
    assert 'Seconds per step, validation included' in page and '>epoch<' not in page
    publish(config, str(whole / 'best.pth'), tmp_path / 'net', metrics=[metrics], small=True)
    card = (tmp_path / 'net' / 'README.md').read_text()
    assert f'step {training["steps"]} of 10' in card
    assert load_config(tmp_path / 'net').resolved.train_cfg == config.resolved.train_cfg
