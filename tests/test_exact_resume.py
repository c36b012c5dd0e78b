"""A run that is cut off and resumed ends like one that never stopped, whatever is combined."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import DATASETS, HOOKS
from mmengine.runner import Runner
from torch.utils.data import Dataset

from custom_modules.base.errors import UserError
from custom_modules.commands.train import train
from custom_modules.config import LoadedConfig, load_config
from custom_modules.datasets import OxfordPetDataset
from custom_modules.engine.hooks.best_and_last_hook import BestAndLastCheckpoint
from tests.conftest import ROOT, TINY
from tests.same_training import PowerCutError, assert_same_training, final_state, power_cut, same


@pytest.fixture
def parts_of_mine() -> Iterator[None]:
    """A data set and a hook of the user's own, of kinds that know nothing of this project."""

    @DATASETS.register_module()
    class PlainTorchDataset(Dataset):
        """No MMEngine class, no seed: an array of samples behind a bare index."""

        def __init__(self, **kwargs: object) -> None:
            self.samples = OxfordPetDataset(**kwargs)  # type: ignore[arg-type]

        def __len__(self) -> int:
            return 12

        def __getitem__(self, index: int) -> dict:
            return self.samples[[3, 1, 2, 0][index % 4]]

    @HOOKS.register_module()
    class NudgeHook(Hook):
        """Counts its steps and adds them to a weight, so that a lost count changes the run."""

        def __init__(self, by: float) -> None:
            self.by, self.count = by, 0

        def after_train_iter(self, runner: Runner, *_: object, **__: object) -> None:
            self.count += 1
            next(iter(runner.model.parameters())).data[0] += self.by * self.count

        def state_dict(self) -> dict:
            return dict(count=self.count, by=self.by)

        def load_state_dict(self, state: dict) -> None:
            self.count, self.by = state['count'], state['by']

    yield
    for registry, name in ((DATASETS, 'PlainTorchDataset'), (HOOKS, 'NudgeHook')):
        registry.module_dict.pop(name)


SET = dict(
    type='OxfordPetDataset',
    data_root='$data_root',
    split='train',
    border='$border',
    indices=8,
    pipeline='$train_pipeline',
)


def hooks(*more: dict) -> dict:
    return dict(custom_hooks=[dict(type='SyncBuffersHook'), dict(type='ConsoleHook'), *more])


def schedule(*schedules: dict) -> dict:
    return dict(param_scheduler=list(schedules))


def data(**dataset: object) -> dict:
    return dict(train_dataloader=dict(dataset=dict(_delete_=True, **dataset)))


#: What a config says beside the sample's: four steps an epoch (or so), two epochs.
COMBINED = {
    'accumulation': dict(optim_wrapper=dict(accumulative_counts=3)),
    'clipping and rates of levels': dict(
        optim_wrapper=dict(clip_grad=dict(max_norm=0.01), paramwise_cfg=dict(layer_decay=0.5))
    ),
    'sgd': dict(optim_wrapper=dict(optimizer=dict(_delete_=True, type='SGD', lr=0.1, momentum=0.9)))
    | schedule(),
    'adamw without a schedule': dict(optim_wrapper=dict(optimizer=dict(type='AdamW'))) | schedule(),
    'average': hooks(dict(type='EMAHook', momentum=0.1)),
    'hooks of a class': hooks(dict(type='NudgeHook', by=1e-4), dict(type='NudgeHook', by=-3e-3)),
    'cosine': schedule(dict(type='CosineAnnealingLR', T_max=2, by_epoch=True)),
    'plateau': schedule(dict(type='ReduceOnPlateauLR', monitor='loss', patience=0, factor=0.1)),
    'warm-up and steps': schedule(
        dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=6),
        dict(type='MultiStepLR', milestones=[1], gamma=0.1, by_epoch=True),
    ),
    'polynomial': schedule(dict(type='PolyLR', power=0.9, eta_min=1e-4, end=8, by_epoch=False)),
    'repeated set': data(type='RepeatDataset', times=2, dataset=SET),
    'joined sets': data(type='ConcatDataset', datasets=[SET, SET]),
    'own set': data(
        type='PlainTorchDataset', data_root='$data_root', split='train', pipeline='$train_pipeline'
    ),
}


def combined(name: str, sample: Path, folder: Path, workers: int = 0, *more: str) -> LoadedConfig:
    lines = [f"_base_ = '{ROOT}/configs/sample/unet_sample.py'"]
    lines += [f'{key} = {value!r}' for key, value in COMBINED[name].items()]
    path = folder / 'combined.py'
    path.write_text('\n'.join(lines) + '\n')
    tiny = TINY[:-3] if 'train_dataloader' in COMBINED[name] else TINY
    return load_config(path, [*tiny, f'data_root={sample}', f'num_workers={workers}', *more])


@pytest.mark.usefixtures('parts_of_mine')
@pytest.mark.parametrize('name', COMBINED)
def test_a_run_that_is_cut_off_goes_on_to_the_last_bit(
    name: str,
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cut off inside its second epoch and goes on with two workers, where the whole had none."""
    whole = train(combined(name, sample, tmp_path), str(tmp_path / 'whole'))

    with power_cut(monkeypatch):
        train(combined(name, sample, tmp_path), str(tmp_path / 'parts'))
    parts = train(combined(name, sample, tmp_path, 2), str(tmp_path / 'parts'), resume='')
    assert_same_training(whole, parts)


def test_accumulated_gradients_survive_the_end_of_an_epoch(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four steps an epoch and windows of three: the first epoch ends inside a window."""
    config = combined('accumulation', sample, tmp_path)
    whole = train(config, str(tmp_path / 'whole'))
    with monkeypatch.context() as cut, pytest.raises(PowerCutError):
        cut_in_epoch(2, cut)
        train(config, str(tmp_path / 'parts'))
    parts = tmp_path / 'parts' / 'latest'
    assert final_state(parts)['gradients']['steps'] == 3
    train(config, str(tmp_path / 'parts'), resume='')
    assert_same_training(whole, parts)
    config.resolved.optim_wrapper['accumulative_counts'] = 2
    with monkeypatch.context() as cut, pytest.raises(PowerCutError):
        cut_in_epoch(2, cut)
        train(combined('accumulation', sample, tmp_path), str(tmp_path / 'others'))
    with pytest.raises(UserError, match='accumulative_counts was 3, is 2'):
        train(config, str(tmp_path / 'others'), resume='')


#: Changed settings -> what the resumed run has in the end: rate, weight decay, first beta.
CHANGED = {
    'rate of one cycle': ('one cycle', ['learning_rate=0.01']),
    'length of one cycle': ('one cycle', ['max_epochs=4']),
    'length of a cosine': ('cosine', ['max_epochs=4', 'param_scheduler.0.T_max=4']),
    'rate without a schedule': ('adamw without a schedule', ['learning_rate=1e-5']),
    'rate of a warm-up': ('warm-up and steps', ['learning_rate=0.02']),
    'milestones': ('warm-up and steps', ['param_scheduler.1.milestones=[2]']),
    'weight decay and betas': (
        'cosine',
        ['optim_wrapper.optimizer.weight_decay=0.1', 'optim_wrapper.optimizer.betas=(0.5,0.9)'],
    ),
}
COMBINED['one cycle'] = {}


def make_older(run: Path) -> None:
    """Leave in ``last.pth`` what it held before settings were noted."""
    state = final_state(run)
    del state['optimizer_settings']
    for schedule in state['param_schedulers']:
        del schedule['settings']
    torch.save(state, run / 'last.pth')


@pytest.mark.parametrize(
    ('name', 'older'),
    [(name, False) for name in CHANGED]
    + [(name, True) for name in ('rate of one cycle', 'length of a cosine')],
)
def test_a_resume_does_what_the_new_config_says(
    name: str, older: bool, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rates are those of a run that had the settings from its first step."""
    base, options = CHANGED[name]
    seen: dict[str, list] = {}

    def note(_: Hook, runner: Runner, **__: object) -> None:
        keys = ('lr', 'weight_decay', 'betas')
        groups = runner.optim_wrapper.param_groups
        seen.setdefault(str(runner.log_dir), []).append(
            [(runner.iter, *(group[key] for key in keys)) for group in groups]
        )

    monkeypatch.setattr(BestAndLastCheckpoint, 'before_train_iter', note, raising=False)
    old = combined(base, sample, tmp_path)
    more = ['max_epochs=3', *options]
    settings = [*TINY, f'data_root={sample}', *more]
    new = load_config(tmp_path / 'combined.py', settings)
    run = train(old, str(tmp_path / 'changed'))
    before = seen.pop(str(run))
    if older:
        make_older(run)
    train(new, str(tmp_path / 'changed'), resume='')
    whole = train(new, str(tmp_path / 'whole'))
    assert len(before) == 8
    assert seen[str(run)] == seen[str(whole)][8:]
    assert seen[str(whole)][:8] != before


def test_what_a_plateau_has_seen_stays_seen(sample: Path, tmp_path: Path) -> None:
    """Its reductions so far are a share of the rate; a schedule beside it cannot be told apart."""
    config = combined('plateau', sample, tmp_path)
    config.resolved.param_scheduler[0]['threshold'] = 10.0  # nothing is ever better
    config.resolved.param_scheduler[0]['threshold_rule'] = 'abs'
    run = train(config, str(tmp_path / 'run'))
    assert rate(run) == pytest.approx(0.003 * 0.1)
    config.resolved.train_cfg['max_epochs'] = 3
    config.resolved.optim_wrapper['optimizer']['lr'] = 0.006
    config.resolved.param_scheduler[0]['factor'] = 0.5
    train(config, str(tmp_path / 'run'), resume='')
    assert rate(run) == pytest.approx(0.006 * 0.1 * 0.5)
    config.resolved.param_scheduler.append(dict(type='ConstantLR', factor=0.5))
    with pytest.raises(UserError, match='follows validations that are past'):
        train(config, str(tmp_path / 'run'), resume='')


def rate(run: Path) -> float:
    return final_state(run)['optimizer']['param_groups'][0]['lr']


def test_another_optimizer_is_refused(sample: Path, tmp_path: Path) -> None:
    train(combined('sgd', sample, tmp_path), str(tmp_path / 'run'))
    other = combined('adamw without a schedule', sample, tmp_path)
    with pytest.raises(UserError, match='optimizer was SGD, is AdamW'):
        train(other, str(tmp_path / 'run'), resume='')


def cut_in_epoch(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Hook, runner: Runner, batch_idx: int, **__: object) -> None:
        if runner.epoch + 1 == number and batch_idx == 1:
            raise PowerCutError

    monkeypatch.setattr(BestAndLastCheckpoint, 'after_train_iter', fail)


def test_the_average_of_the_weights_is_what_is_kept(
    sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MMEngine's EMAHook: the average is validated and is what best.pth holds."""
    options = ['max_epochs=3', 'default_hooks.checkpoint.keep_epochs=1']
    options.append('default_hooks.checkpoint.max_keep_ckpts=2')
    config = combined('average', sample, tmp_path, 0, *options)
    whole = train(config, str(tmp_path / 'whole'))
    with monkeypatch.context() as cut, pytest.raises(PowerCutError):
        cut_in_epoch(3, cut)
        train(config, str(tmp_path / 'parts'))
    parts = tmp_path / 'parts' / 'latest'
    (parts / '.last.pth.4711.part').write_bytes(b'the process was killed while it wrote')
    train(config, str(tmp_path / 'parts'), resume='')

    assert_same_training(whole, parts)
    last = final_state(whole)
    assert not same(last['state_dict'], last['ema_state_dict'])
    best, other_best = (torch.load(run / 'best.pth')['state_dict'] for run in (whole, parts))
    assert same(best, other_best)

    assert {p.name for p in parts.resolve().iterdir() if p.name.startswith('.')} == set()
    kept = {path.name for path in parts.resolve().glob('*.pth')}
    assert kept == {'best.pth', 'last.pth', 'previous.pth', 'epoch_2.pth', 'epoch_3.pth'}


def test_a_number_of_copies_that_keeps_nothing() -> None:
    with pytest.raises(UserError, match='max_keep_ckpts=0 is not allowed'):
        BestAndLastCheckpoint(keep_epochs=1, max_keep_ckpts=0)
