"""Sweeps and studies: what is run, that it is run once, and what is made of it."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from custom_modules.base.errors import UserError
from custom_modules.commands.sweep import build_sweep
from custom_modules.config import load_config
from custom_modules.engine import PetSegRunner
from custom_modules.studies.experiments import (
    STUDIES,
    changes_nothing,
    find_budget,
    find_configs,
    leaves,
    parse_grid,
    plan,
)
from custom_modules.studies.local import core_shares
from custom_modules.studies.pages import study_table
from custom_modules.studies.results import _same_seed, changes, keep_results
from custom_modules.studies.seeds import best_line, mean_and_range, values_of
from docs.generate.results_table import pages
from docs.generate.study_pages import studies
from tests.conftest import ROOT
from tests.teachers import leave_teacher

DISTILLATION = {
    'teacher',
    'model.distillation.feature_weight',
    'model.distillation.logit_weight',
}
#: Study -> the keys in which two neighbours of it may differ.
VARIED = {
    'architecture': {
        'model.backbone.norm_cfg',
        'model.backbone.type',
        'model.decode_head.extra_upsamples',
    },
    'augmentation_operations': {
        'crop_or_rotation_prob',
        'crop_weight',
        'rotation_weight',
        'flip_prob',
        'light_prob',
        'noise_prob',
        *(f'preprocessor.{name}.{channel}' for name in ('mean', 'std') for channel in range(3)),
    },
    'augmentation_set_size_resnet34_unet': {'n_aug', 'augmentation', 'learning_rate'},
    'augmentation_set_size_unet': {'n_aug', 'augmentation', 'learning_rate'},
    'batch_size': {'batch_size'},
    'border': {'border'},
    'dataset_statistics': {
        f'preprocessor.{name}.{channel}' for name in ('mean', 'std') for channel in range(3)
    },
    'distillation': DISTILLATION,
    'distillation_few_masks': DISTILLATION,
    'epochs': {'max_epochs'},
    'further_losses': {'losses', 'edges'},
    'initialisation': {'weight_init.mode'},
    'learning_rate': {'learning_rate'},
    'loss': {'losses'},
    'mixing': {'preprocessor.batch_augments'},
    'output_relu': {'model.decode_head.output_norm_relu'},
    'road_to_90': set(),  # each step its own, below
    'sigmoid': {'losses.1.sigmoid'},
}
#: What each step of the road changes against the one before it.
ROAD = {
    'step_2_augmentation': {'train_dataloader.dataset.pipeline'},
    'step_3_dice_loss': {'losses'},
    'step_4_learning_rate': {'learning_rate'},
    'step_5_decay_and_plateau': {'optim_wrapper.optimizer.weight_decay', 'param_scheduler'},
}
LEAVES = [leaf for study in studies() for leaf in leaves(study)]
#: Two steps of a net of a sixteenth of the width.
TINY = ['width=0.0625', 'image_size=64', 'batch_size=2', 'max_epochs=1', 'num_workers=0']


def identity(config: Path) -> str:
    return f'{config.parent.name}/{config.stem}'


def test_every_study_is_known() -> None:
    assert {folder.name for folder in studies()} == set(VARIED)


@pytest.mark.parametrize('study', VARIED)
def test_one_thing_differs(study: str) -> None:
    """Each value differs from the base, or from the step before it, in what is studied alone."""
    configs = leaves(STUDIES / study)
    assert [changes_nothing(config) for config in configs] == [True] + [False] * (len(configs) - 1)
    written = [load_config(config).data for config in configs]
    for index, config in enumerate(configs[1:], start=1):
        before = written[index - 1] if study == 'road_to_90' else written[0]
        varied = ROAD[config.stem] if study == 'road_to_90' else VARIED[study]
        found = set(changes(before, written[index]))
        if study == 'further_losses':  # a term is another one, or has another argument
            found = {one.partition('.')[0] for one in found}
            varied = {'edges' if config.stem == 'bce_dice_edges' else 'losses'}
        if VARIED[study] is DISTILLATION:
            left_out = {'teacher_logits': 'feature', 'teacher_features': 'logit'}.get(config.stem)
            varied = {'teacher'}
            varied |= {f'model.distillation.{left_out}_weight'} if left_out else set()
        assert found and found <= varied, config
        assert found == varied or study.startswith('augmentation'), config


def test_what_is_left_out_of_the_augmentation_leaves_the_rest_as_likely() -> None:
    for name, left in (('all', ''), ('no_crop', 'RandomResizedCrop'), ('no_rotation', 'Rotate')):
        config = load_config(f'configs/studies/augmentation_operations/{name}.py').resolved
        group = config.train_dataloader.dataset.pipeline[3]['transforms'][0]
        total = sum(step['p'] for step in group['transforms'])
        likely = {
            step['type'].split('.')[1]: group['p'] * step['p'] / total
            for step in group['transforms']
        }
        both = dict(RandomResizedCrop=0.25, Rotate=0.25)
        assert likely == both | ({left: 0.0} if left else {})


@pytest.mark.parametrize('config', LEAVES, ids=identity)
def test_every_value_trains(config: Path, sample: Path, tmp_path: Path) -> None:
    """Short, described, and two steps of it run."""
    text = config.read_text(encoding='utf-8')
    assert len(text.splitlines()) <= 8
    assert text.startswith('"""')
    options = [*TINY, f'data_root={sample}', 'train_dataloader.dataset.indices=4']
    if config.stem.startswith('teacher'):  # one that is there, and small
        base = load_config(config.with_name('no_teacher.py'), TINY)
        options += [f'teacher={leave_teacher(tmp_path / "teacher", base)}']
    loaded = load_config(config, [*options, 'val_dataloader.dataset.indices=2']).resolved
    for key in ('test_dataloader', 'test_cfg', 'test_evaluator'):
        loaded.pop(key)
    loaded.default_hooks = dict(logger=None, checkpoint=None)
    loaded.custom_hooks = []
    loaded.work_dir, loaded.run_name = str(tmp_path), '.'
    runner = PetSegRunner.from_cfg(loaded)
    runner.train()
    assert runner.iter >= 2


def test_the_base_of_each_study_trains_what_its_recipe_trains() -> None:
    """A budget changes size, width and epochs, but not what a study itself sets."""
    laptop = find_budget('laptop')
    experiments = plan(find_configs(['configs/studies/epochs']), Path('runs'), budget=laptop)
    assert [experiment.total for experiment in experiments] == [50, 20, 70, 100]
    assert all('image_size=64' in experiment.options for experiment in experiments)
    assert not any(
        option.startswith('max_epochs')
        for experiment in experiments
        for option in experiment.options
    )
    mixing = plan(find_configs(['configs/studies/mixing']), Path('runs'), budget=laptop)
    assert [experiment.config.stem for experiment in mixing] == ['none', 'both', 'cutmix', 'mixup']
    assert {experiment.total for experiment in mixing} == {6}


def test_experiments_of_a_grid() -> None:
    grid = parse_grid(['learning_rate=1e-3,1e-4', 'model.threshold=0.4,0.5'])
    assert parse_grid(['a=[1,2],[3,4]', 'b=(1,2)']) == {'a': ['[1,2]', '[3,4]'], 'b': ['(1,2)']}
    # What a net refuses is said before other experiments are trained for hours.
    with pytest.raises(UserError, match=r'unet_pet,image_size=100,seed=0: an image of 100x100'):
        plan(find_configs(['configs/unet_pet.py']), Path('runs'), dict(image_size=['96', '100']))
    experiments = plan(find_configs(['configs/unet_pet.py']), Path('runs'), grid, seeds=[0, 1])
    assert len(experiments) == 2 * 2 * 2
    assert experiments[0].name == 'unet_pet,learning_rate=1e-3,model.threshold=0.4,seed=0'
    assert experiments[0].folder == Path('runs/unet_pet') / experiments[0].name
    last = load_config(experiments[-1].config, experiments[-1].options).resolved
    assert last.optim_wrapper['optimizer']['lr'] == 1e-4
    assert (last.model['threshold'], last.randomness['seed']) == (0.5, 1)


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (dict(configs=['configs/studies/los']), 'did you mean loss'),
        (dict(configs=['docs']), 'no config lies in this folder'),
        (dict(configs=['configs/studies/loss'], budget='desktop'), 'one of full, laptop'),
        (dict(configs=['configs/studies/loss'], seeds='0,0'), '--seeds 0,0'),
        (dict(configs=['configs/studies/loss'], seeds='a'), '--seeds a'),
        (dict(configs=['configs/studies/loss'], grid=['learning_rate']), 'write key=value1'),
        (dict(configs=['configs/studies/loss'], grid=['seed=1,1']), 'each of them once'),
        (dict(configs=['configs/studies/loss'], grid=['lerning_rate=1']), 'learning_rate'),
    ],
)
def test_mistakes_in_a_sweep(arguments: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_sweep(**arguments)


def test_more_jobs_than_cores() -> None:
    cores = len(os.sched_getaffinity(0))
    shares = core_shares(cores)
    assert set.union(*shares) == os.sched_getaffinity(0)
    assert [len(share) for share in shares] == [1] * cores
    with pytest.raises(UserError, match=f'use 1 to {cores}'):
        core_shares(cores + 1)


def test_an_experiment_is_trained_tested_kept_and_not_run_again(
    sample: Path, tmp_path: Path
) -> None:
    options = [*TINY, f'data_root={sample}', 'train_dataloader.dataset.indices=4']
    options += ['val_dataloader.dataset.indices=3', 'test_dataloader.dataset.indices=5']
    options += ['width=0.125']
    arguments = dict(configs=['configs/studies/loss'], work_dir=str(tmp_path / 'runs'))
    arguments |= dict(results=str(tmp_path / 'kept'))
    sweep = build_sweep(**arguments, options=options)
    sweep = type(sweep)(sweep.experiments[:2], sweep.budget, sweep.kept)
    assert sweep.run() == 0
    found = json.loads((tmp_path / 'kept' / 'loss.json').read_text())
    base, other = found['rows']
    assert (found['base'], base['difference'], other['changes'].keys()) == (
        'bce_dice',
        None,
        {'losses'},
    )
    first, second = (
        json.loads((experiment.results() / 'metrics.json').read_text())
        for experiment in sweep.experiments
    )
    assert other['metrics']['Dice'] == second['Dice']
    assert other['difference']['Dice'] == pytest.approx(second['Dice'] - first['Dice'])
    assert len(other['curves']['train/loss']) == 1

    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.pth')}
    assert sweep.run() == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob('*.pth')} == files

    page = (sweep.experiments[0].folder.parent / 'results.md').read_text()
    assert f'| `bce_dice`: Binary cross-entropy + Dice loss. | **{first["Dice"]:.4f}**' in page
    assert (sweep.experiments[0].folder.parent / 'curves.png').is_file()
    assert 'best by the validation: ' in page and 'best by the validation: ' in sweep.summary([])

    # More workers are no other config; an experiment without a checkpoint has nothing to keep.
    build_sweep(**arguments, options=[*options, 'num_workers=1']).experiments[0].check()
    changed = build_sweep(**arguments, options=[*options, 'flip_prob=0.1'])
    changed.experiments[2].folder.mkdir()
    sweep_of_all = build_sweep(**arguments, options=options)
    sweep_of_all.experiments[2].mark()
    changed.experiments[2].check()
    with pytest.raises(UserError, match=r'flip_prob was 0\.5, is 0\.1'):
        changed.run()
    # Older versions noted the text of the config, under another name.
    one = sweep.experiments[0]
    (one.folder / 'experiment.json').unlink()
    old = dict(text=load_config(one.config, one.options).text)
    (one.folder / 'cell.json').write_text(json.dumps(old))
    one.check()
    with pytest.raises(UserError, match=r'flip_prob was 0\.5, is 0\.1'):
        changed.experiments[0].check()


def test_several_seeds_have_a_mean_and_a_best() -> None:
    def row(
        experiment: str, seed: int, test: float, validation: list[float | None], **more: str
    ) -> dict:
        facts = dict.fromkeys(('dataset', 'split', 'border', 'resolution', 'image_size'), 'x')
        curves = {'valid/dice': validation} if validation else {}
        return (
            dict(experiment=f'{experiment},seed={seed}', metrics=dict(Dice=test), curves=curves)
            | facts
            | more
        )

    rows = [row('a', 0, 0.9, [0.1, 0.7]), row('b', 0, 0.6, [0.9, None]), row('a', 1, 0.8, [0.6])]
    first, second = values_of(rows)
    assert (first.name, first.test_dice, first.validation_dice) == ('a', [0.9, 0.8], [0.7, 0.6])
    assert mean_and_range(first.test_dice) == '0.8500 (0.8000 to 0.9000)'
    assert best_line([first, second]) == (
        'best by the validation: b, validation Dice 0.9000, test Dice 0.6000'
    )
    assert best_line([first]) == ''
    other = row('c', 0, 1.0, [1.0], border='only')
    assert best_line(values_of([*rows, other])).startswith('no best: they are scored at several')
    blind = [row('a', 0, 0.9, []), row('b', 0, 0.6, [])]
    assert best_line(values_of(blind)) == 'no best: there was no validation to choose by'


def test_points_of_a_grid_are_compared_with_the_first() -> None:
    """Each with the same seed; a study's own configs with the base at the same point."""
    grid = parse_grid(['learning_rate=1e-3,1e-4'])
    experiments = plan(find_configs(['configs/unet_pet.py']), Path('runs'), grid, seeds=[0, 1])
    others = [_same_seed(experiments, experiments[0], experiment) for experiment in experiments]
    assert others == [None, None, experiments[0], experiments[1]]
    both = plan(find_configs(['configs/studies/sigmoid']), Path('runs'), grid, seeds=[0])
    assert [_same_seed(both, both[0], experiment) for experiment in both] == [
        None,
        both[0],
        *both[:2],
    ]


#: Stands for training and test: twenty steps, each noted in a file, which go on where they were.
STAND_IN = """
import json, os, sys, time
from pathlib import Path
from filelock import FileLock
lock = FileLock(os.environ['PETSEG_LOCK'])  # as tools/_start.py takes it
lock.acquire()
kind, experiment = sys.argv[1], Path(sys.argv[2])
(experiment / 'pid').write_text(str(os.getpid()))
run, steps = experiment / '2000', experiment / 'steps'
run.mkdir(exist_ok=True)
(run / 'last.pth').touch()
if kind == 'train':
    for step in range(len(steps.read_text()) if steps.exists() else 0, 20):
        time.sleep(0.03)
        with open(steps, 'a') as file:
            file.write('.')
else:
    with open(experiment / 'tests', 'a') as file:
        file.write('.')
    keys = ('dataset', 'split', 'border', 'resolution', 'image_size')
    metrics = dict.fromkeys(keys, '') | dict(Dice=0.5, threshold=0.5)
    (run / 'metrics.part').write_text(json.dumps(metrics))
    (run / 'metrics.part').rename(run / 'metrics.json')
"""
SWEEP = """
import sys
from pathlib import Path
from custom_modules.studies import local, running
from custom_modules.studies.experiments import Experiment
folder, script = Path(sys.argv[1]), sys.argv[2]
running._train_command = lambda one: [sys.executable, script, 'train', str(one.folder)]
running._test_command = lambda one: [sys.executable, script, 'test', str(one.folder)]
experiments = [Experiment('s', n, Path('c.py'), (), 0, folder / n, dict(x=1), 1) for n in 'abcd']
print('ready', flush=True)
print(*[one.state for one in local.run_locally(experiments, jobs=1)])
"""


def test_killed_sweeps_and_jobs_lose_nothing_and_repeat_nothing(tmp_path: Path) -> None:
    """The sweep is killed, then a job, then Ctrl-C; the same command again does the rest."""
    script, runs = tmp_path / 'stand_in.py', tmp_path / 'runs'
    script.write_text(STAND_IN)
    words = [sys.executable, '-c', SWEEP, str(runs), str(script)]
    draw = random.Random(0)

    def start() -> subprocess.Popen:
        sweep = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert sweep.stdout is not None
        assert sweep.stdout.readline() == 'ready\n'
        while not list(runs.glob('*/pid')):
            time.sleep(0.01)
        time.sleep(draw.uniform(0.1, 1.0))
        return sweep

    sweep = start()
    sweep.kill()
    sweep.communicate()
    sweep = start()
    job = max(runs.glob('*/pid'), key=lambda path: path.stat().st_mtime)
    with suppress(ProcessLookupError, ValueError):  # it may have ended, or not have noted itself
        os.kill(int(job.read_text()), signal.SIGKILL)
    output, _ = sweep.communicate(timeout=60)
    assert output.split()[-4:].count('done') >= 3
    sweep = start()
    sweep.send_signal(signal.SIGINT)
    sweep.communicate(timeout=60)
    output, _ = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True).communicate()
    assert output.split()[-4:] == ['done'] * 4
    for experiment in 'abcd':
        assert (runs / experiment / 'steps').read_text() == '.' * 20
        assert (runs / experiment / 'tests').read_text() == '.'


def test_a_table_of_several_seeds(tmp_path: Path) -> None:
    def row(experiment: str, seed: int, dice: float, difference: dict | None) -> dict:
        return dict(
            experiment=f'{experiment},seed={seed}',
            value='text',
            seed=seed,
            budget='laptop',
            options=['image_size=64', f'seed={seed}'],
            split='test',
            border='foreground',
            dataset='OxfordPetDataset',
            image_size=64,
            resolution='input',
            precision='float32',
            device='one',
            num_images=3669,
            metrics=dict(Dice=dice, IoU=dice / 2),
            interval=[dice - 0.01, dice + 0.01],
            epochs=6,
            max_epochs=6,
            minutes=2.0,
            difference=difference,
            curves={'train/loss': [1.0, 0.5], 'valid/dice': [0.1, dice]},
        )

    gain = dict(base='a,seed=0', Dice=0.1, interval=[0.08, 0.12], verdict='better')
    rows = [row('a', 0, 0.7, None), row('a', 1, 0.8, None), row('b', 0, 0.8, gain)]
    found = dict(study='s', question='?', base='a', rows=rows)
    lines = study_table(found).splitlines()
    assert lines[2] == (
        '| `a`: text | **0.7500 (0.7000 to 0.8000)** |  | base | 0.3750 (0.3500 to 0.4000) | '
        '0.7500 (0.7000 to 0.8000) | 6 of 6 | 2.0 |'
    )
    assert '| **0.8000** | 0.7900 to 0.8100 | +0.1000 (+0.0800 to +0.1200) |' in lines[3]
    assert 'seed 0, 1' in lines[5]
    many = found | dict(rows=[row(name, 0, 0.7, None) for name in 'abcdefgh'])
    assert study_table(many, 'p.png').endswith('The picture has the first 7 of the 8 values.')
    many['rows'].pop()
    assert study_table(many, 'p.png').endswith('(p.png)')

    path = tmp_path / 's.json'
    keep_results(found, path)
    older = path.read_text().replace('"experiment":', '"cell":').replace('"metrics":', '"figures":')
    assert older != path.read_text()
    path.write_text(older)  # the names of before
    keep_results(found | dict(rows=[row('a', 0, 0.9, None) | dict(budget='full')]), path)
    assert [(r['budget'], r['metrics']['Dice']) for r in json.loads(path.read_text())['rows']] == [
        ('full', 0.9),
        ('laptop', 0.7),
        ('laptop', 0.8),
        ('laptop', 0.8),
    ]


def test_the_pages_are_those_of_the_results() -> None:
    made = pages()
    for folder in studies():
        old, new = made[folder / 'README.md']
        assert old == new
    old, new = made[ROOT / 'docs' / 'studies.md']
    assert old == new
