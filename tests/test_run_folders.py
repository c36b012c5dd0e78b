"""Where runs lie, which of them a resume goes on with, and what a failed start leaves."""

from pathlib import Path
from typing import Any

import pytest
import torch

from custom_modules.base.errors import UserError
from custom_modules.commands.test import test as score
from custom_modules.commands.train import default_work_dir, train
from custom_modules.config import LoadedConfig, load_config
from custom_modules.config.written import origin
from custom_modules.engine.runner import PetSegRunner
from custom_modules.runs.run_folder import find_newest
from custom_modules.runs.tuned_threshold import passed_over, save_threshold, stored_threshold
from tests.conftest import ROOT, TINY
from tests.test_loops import NARROW

CONFIG = 'configs/sample/unet_sample.py'


def tiny(sample: Path, *more: str, path: str | Path = CONFIG) -> LoadedConfig:
    few = [*TINY, *NARROW]
    if any('val_dataloader' in option for option in more):
        few = [option for option in few if 'val_dataloader' not in option]
    options = [*few, f'data_root={sample}', 'precision=fp32', 'max_epochs=1', *more]
    config = load_config(path, options)
    config.resolved.experiment_name = 'folders'
    return config


def test_a_job_that_resumes_starts_where_there_is_nothing_yet(
    sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / 'runs'
    first = train(tiny(sample), str(runs), resume='')
    assert f'no run in {runs} to go on with: a new one starts' in capsys.readouterr().out
    assert train(tiny(sample, 'max_epochs=2'), str(runs), resume='') == first
    # What MMEngine's users write into the config does the same.
    also = tiny(sample, f'work_dir={runs}', 'resume=True', 'max_epochs=3')
    assert train(also) == first
    assert torch.load(first / 'last.pth', weights_only=True)['meta']['epoch'] == 3
    with pytest.raises(UserError, match='--resume another: there is no last'):
        train(tiny(sample), str(runs), resume='another')
    # A config of the same name in another folder is another config: its runs are its own.
    (tmp_path / 'unet_sample.py').write_text(f"_base_ = '{ROOT / CONFIG}'\n")
    other = train(tiny(sample, path=tmp_path / 'unet_sample.py'), str(runs), resume='')
    assert other != first
    assert find_newest(runs, origin(ROOT / CONFIG)) == first
    assert find_newest(runs) == other == (runs / 'latest').resolve()
    # The run's own config starts runs beside it, and its copy in vis_data does not exist.
    own = load_config(first / 'config.py')
    assert default_work_dir(own) == runs
    assert origin(own.path) == CONFIG
    assert not (first / 'vis_data' / 'config.py').exists()


def test_each_run_of_a_process_has_its_own_log(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MMEngine gives runs of one name, begun in one second, the log of the first."""
    monkeypatch.setattr('time.strftime', lambda *_: '20260101_000000')
    config = tiny(sample)
    runs = [train(config, str(tmp_path / name)) for name in ('a', 'b')]
    for name in ('c', 'd'):
        score(config, str(runs[0] / 'best.pth'), str(tmp_path / name), quick=True)
    logs = [run / 'train.log' for run in runs] + [tmp_path / name / 'test.log' for name in 'cd']
    for log in logs:
        assert log.read_text(encoding='utf-8').count('Environment:') == 1


def test_a_start_that_fails_leaves_nothing(sample: Path, tmp_path: Path) -> None:
    run = train(tiny(sample), str(tmp_path))
    with pytest.raises(UserError, match='nowhere'):
        train(tiny(Path('/nowhere')), str(tmp_path))
    with pytest.raises(UserError, match='do not fill one batch'):
        train(tiny(sample, 'batch_size=64'), str(tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == {run.name, 'latest'}
    assert (tmp_path / 'latest').resolve() == run


NO_VALIDATION = ['val_dataloader=None', 'val_cfg=None', 'val_evaluator=None']


def test_a_training_may_do_without_a_validation(
    sample: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = train(tiny(sample, *NO_VALIDATION, 'max_epochs=2'), str(tmp_path / 'runs'))
    assert 'no validation: there will be a last.pth, and no best.pth' in capsys.readouterr().out
    assert {path.name for path in run.glob('*.pth')} == {'last.pth', 'previous.pth'}
    result = score(tiny(sample), str(run / 'last.pth'), str(tmp_path / 'test'), quick=True)
    assert result is not None and result['num_images'] == 6


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (
            ["train_cfg={'type': 'ValLoop', 'evaluator': None, '_delete_': True}"],
            "use 'ResumableTrainLoop' with max_epochs, or 'ResumableIterLoop' with max_iters",
        ),
        (
            ["train_cfg={'type': 'IterBasedTrainLoop', 'max_iters': 9, '_delete_': True}"],
            r'param_scheduler\.0 \(OneCycleLR\) counts epochs',
        ),
        (
            [*NO_VALIDATION, "param_scheduler=[dict(type='ReduceOnPlateauLR', monitor='loss')]"],
            'ReduceOnPlateauLR watches the validation, and there is none',
        ),
        (["monitor=['Dice','IoU']"], 'use text'),
    ],
)
def test_loops_and_schedules_that_could_not_do_it(
    options: list[str], message: str, sample: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        train(tiny(sample, *options), str(tmp_path))


@pytest.mark.parametrize(
    ('hook', 'message'),
    [('CheckpointHook', 'use .*BestAndLastCheckpoint'), ('mmseg.SegVisualizationHook', 'nothing')],
)
def test_hooks_of_the_stack_that_nobody_would_find(hook: str, message: str, sample: Path) -> None:
    config = tiny(sample, f"custom_hooks=[dict(type='{hook}')]")
    with pytest.raises(UserError, match=message):
        train(config)


def test_one_cycle_keeps_the_rates_of_parts(sample: Path, tmp_path: Path) -> None:
    """MMEngine's gives all groups the same rate, whatever their ``lr_mult``."""
    part = 'optim_wrapper.paramwise_cfg=dict(custom_keys=dict(backbone=dict(lr_mult=0.1)))'
    config = tiny(sample, part, 'max_epochs=3')
    config.resolved.work_dir = str(tmp_path)
    runner: Any = PetSegRunner.from_cfg(config.resolved)
    runner._train_loop = runner.build_train_loop(runner._train_loop)
    runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
    (schedule,) = runner.build_param_scheduler(runner.param_schedulers)
    highest = 0.0
    for _ in range(11):
        rates = {group['lr'] for group in runner.optim_wrapper.param_groups}
        assert max(rates) == pytest.approx(10 * min(rates), rel=1e-9)
        highest = max(highest, *rates)
        runner.optim_wrapper.optimizer.step()
        schedule.step()
    assert highest == pytest.approx(config.resolved.optim_wrapper['optimizer']['lr'], rel=0.1)


def test_a_threshold_of_averaged_views_is_not_one_of_single_ones(tmp_path: Path) -> None:
    for tta, expected in (([1.0], None), (None, 0.3)):
        save_threshold(tmp_path / 'best.pth', dict(threshold=0.3, Dice=0.9), dict(tta=tta))
        assert stored_threshold(tmp_path / 'best.pth') == expected
        assert len(passed_over(tmp_path / 'best.pth')) == (expected is None)
