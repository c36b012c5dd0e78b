"""What a run writes about itself: names, values by hand, and going on with the same file."""

import itertools
import json
import signal
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from custom_modules.commands.train import train
from custom_modules.config import LoadedConfig, load_config
from custom_modules.evaluation.metric_table import scalar_name
from custom_modules.models import BinarySegmentor
from tests.conftest import TINY

Steps = list[dict[str, float]]

#: MMEngine keeps a logger per name, by default the second a run began in; these are quicker.
NUMBERS = itertools.count()


def tiny(sample: Path, *more: str) -> LoadedConfig:
    narrow = ['model.backbone.channels=[4,8]', 'model.decode_head.in_channels=[4,8]']
    options = [*TINY, f'data_root={sample}', *narrow, 'model.decode_head.channels=[4]', *more]
    options.append('default_hooks.logger.interval=3')
    config = load_config('configs/sample/unet_sample.py', options)
    config.resolved.experiment_name = f'scalars_{next(NUMBERS)}'
    return config


def lines_of(run: Path) -> tuple[list[dict], list[dict]]:
    """Return the lines of whole epochs and those of steps."""
    text = (run / 'vis_data' / 'scalars.json').read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    return [x for x in lines if 'epoch' in x], [x for x in lines if 'iter' in x]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """On networks this small a second thread only waits, for long where the cores are busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    """What each training step returned, taken at its source."""
    seen: Steps = []
    original = BinarySegmentor.train_step

    def train_step(self: BinarySegmentor, data: dict, **options: object) -> dict:
        metrics = original(self, data, **options)
        seen.append({name: value.item() for name, value in metrics.items()})
        return metrics

    monkeypatch.setattr(BinarySegmentor, 'train_step', train_step)
    return seen


def mean(steps: Steps, name: str) -> float:
    return sum(step[name] for step in steps) / len(steps)


def test_a_run_reports_epochs_and_steps_on_axes_of_their_own(
    sample: Path, tmp_path: Path, steps: Steps
) -> None:
    config = tiny(sample, 'learning_rate=0.002')
    config.resolved.param_scheduler = [dict(type='StepLR', step_size=1, gamma=0.5)]
    run = train(config, str(tmp_path))
    epochs, at_steps = lines_of(run)
    assert len(steps) == 8
    assert [line['step'] for line in epochs] == [line['epoch'] for line in epochs] == [1, 2]
    for line, batches in zip(epochs, (steps[:4], steps[4:]), strict=True):
        for name in batches[0]:
            assert line[f'train/{scalar_name(name)}'] == pytest.approx(mean(batches, name))
        assert line['train/loss'] == pytest.approx(line['train/bce'] + line['train/dice_loss'])
        assert line['valid/loss'] == pytest.approx(line['valid/bce'] + line['valid/dice_loss'])
        assert 0 <= line['valid/iou'] <= line['valid/dice'] <= 1
        assert line['seconds'] > 0
    # Of 4 steps in an epoch, every third and the last.
    assert (
        [line['step'] for line in at_steps] == [line['iter'] for line in at_steps] == [3, 4, 7, 8]
    )
    for line in at_steps:
        assert line['step/loss'] == pytest.approx(steps[line['iter'] - 1]['loss'])
    names = [set(lines[0]) - {'step'} for lines in (epochs, at_steps)]
    assert not names[0] & names[1]
    assert 'valid/num_images' not in names[0]
    # The rate of the epoch's own steps, not that of the next epoch.
    assert [line['learning_rate'] for line in epochs] == [0.002, 0.001]

    log = (run / 'train.log').read_text()
    assert log.count('Epoch(train)') == 4
    for line in epochs:
        (text,) = [x for x in log.splitlines() if f'Epoch(val) [{line["epoch"]}]' in x]
        assert f'Dice: {line["valid/dice"]:.4f}' in text
        assert f'  loss: {line["valid/loss"]:.4f}' in text


def test_an_epoch_without_validation_has_training_metrics_only(
    sample: Path, tmp_path: Path
) -> None:
    config = tiny(sample, 'train_cfg.val_interval=2', 'max_epochs=4')
    epochs, _ = lines_of(train(config, str(tmp_path)))
    parts = [{name.partition('/')[0] for name in line if '/' in name} for line in epochs]
    assert parts == [{'train'}, {'train', 'valid'}, {'train'}, {'train', 'valid'}]


@pytest.mark.parametrize('place', ['training', 'validation'])
def test_a_resumed_run_appends_and_has_the_means_of_whole_epochs(
    sample: Path, tmp_path: Path, steps: Steps, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    one_by_one = 'val_dataloader.batch_size=1'
    calls: dict[str, int] = defaultdict(int)
    # The second step of epoch 2, or the second image of its validation.
    method, number = dict(training=('train_step', 6), validation=('val_step', 8))[place]
    original = getattr(BinarySegmentor, method)

    def stops(self: BinarySegmentor, data: dict, **options: object) -> object:
        calls[method] += 1
        if calls[method] == number:
            signal.raise_signal(signal.SIGTERM)
        return original(self, data, **options)

    monkeypatch.setattr(BinarySegmentor, method, stops)
    with pytest.raises(SystemExit):
        train(tiny(sample, one_by_one), str(tmp_path))
    run = (tmp_path / 'latest').resolve()
    assert [line['step'] for line in lines_of(run)[0]] == [1]
    assert len(steps) == dict(training=6, validation=8)[place]

    assert train(tiny(sample, one_by_one), str(tmp_path), resume=str(run)) == run
    epochs, at_steps = lines_of(run)
    assert [line['step'] for line in epochs] == [1, 2]
    assert [line['step'] for line in at_steps] == [3, 4, 7, 8]
    assert len(steps) == 8
    assert epochs[1]['train/loss'] == pytest.approx(mean(steps[4:], 'loss'))
    assert epochs[1]['train/dice_loss'] == pytest.approx(mean(steps[4:], 'loss_dice'))
    assert 'valid/dice' in epochs[1]
    assert epochs[1]['learning_rate'] == at_steps[-1]['step/learning_rate']
