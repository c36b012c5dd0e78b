"""The user's mistakes, each through the command line: one clear message, status 2, no traceback."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
import torch
from mmengine.registry import MODELS

from custom_modules.config import load_config
from tests.conftest import ROOT, TINY, Command

CONFIG = 'configs/sample/unet_sample.py'


def refused(run_tool: Command, message: str, *arguments: object) -> None:
    done = run_tool(*arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith('error: ')]
    assert len(errors) == 1, done.stderr
    assert message in errors[0]
    assert 'Traceback' not in done.stdout + done.stderr


def train_arguments(sample: Path, *options: str) -> list[str]:
    arguments = ['train.py', CONFIG, '--work-dir', 'runs', '--cfg-options']
    return [*arguments, *TINY, f'data_root={sample}', *options]


@pytest.mark.parametrize(
    ('option', 'message'),
    [
        ('data_root=/nowhere/pets', 'python tools/prepare_data.py --download'),
        ('optim_wraper.lr=1', 'did you mean optim_wrapper'),
        ('model.backbone.type=UNetEncodre', 'did you mean UNetEncoder'),
        ('image_size=36', 'use image_size = (32, 32)'),
        ('batch_size=64', 'choose a smaller batch_size'),
        ('precision=fp16', 'needs a GPU'),
        ('num_workers=many', "use 'auto' or an integer from 0"),
        ('num_workers=4000', "use 'auto' or an integer from 0 to"),
        ('monitor=dice', "monitor='dice' is no metric of the validation; did you mean Dice"),
    ],
)
def test_train_refuses(run_tool: Command, sample: Path, option: str, message: str) -> None:
    if option == 'precision=fp16' and torch.cuda.is_available():
        option, message = 'precision=int8', 'is not allowed'
    refused(run_tool, message, *train_arguments(sample, option))


@pytest.mark.parametrize(
    ('tool', 'option', 'instead'),
    [
        ('train.py', '--seed', '--cfg-options seed=N'),
        ('train.py', '--load-from', '--cfg-options init=PATH'),
        ('train.py', '--auto-scale-lr', 'rates are not scaled'),
        ('test.py', '--show-dir', '--out DIR'),
        ('test.py', '--work-dir=x', '--out DIR'),
    ],
)
def test_options_of_other_tools_are_told_their_name_here(
    tool: str, option: str, instead: str
) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / 'tools' / tool), CONFIG, option, '1'],
        capture_output=True,
        text=True,
    )
    name = option.partition('=')[0]
    assert done.returncode == 2 and f'; {name}: {instead}' in done.stderr


@pytest.mark.parametrize(
    'arguments',
    [('predict.py', CONFIG, ''), ('train.py', ''), ('test.py', CONFIG, 'a.pth', '--out', '')],
)
def test_empty_arguments_are_refused(arguments: tuple[str, ...]) -> None:
    """Of a variable of the shell that is not set; a path of '' would be the working folder."""
    tool, *rest = arguments
    done = subprocess.run(
        [sys.executable, str(ROOT / 'tools' / tool), *rest], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr.startswith('error: an argument is empty') and done.stderr.count('\n') == 1


@pytest.mark.parametrize(
    ('named', 'spins'),
    [({}, '10000'), (dict(GOMP_SPINCOUNT='7'), '7'), (dict(OMP_WAIT_POLICY='passive'), '')],
)
def test_waiting_threads_spin_briefly(named: dict[str, str], spins: str) -> None:
    """The tool says so before torch is loaded, unless its user has said something else."""
    program = (
        'import _start, os, sys;print(os.environ.get("GOMP_SPINCOUNT", ""), "torch" in sys.modules)'
    )
    chosen = {k: v for k, v in os.environ.items() if k not in ('GOMP_SPINCOUNT', 'OMP_WAIT_POLICY')}
    done = subprocess.run(
        [sys.executable, '-c', program],
        cwd=ROOT / 'tools',
        env=chosen | named,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.rstrip('\n') == f'{spins} False'


def break_mask(root: Path) -> None:
    for path in (root / 'annotations' / 'trimaps').iterdir():
        trimap = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        trimap[0, 0] = 9
        cv2.imwrite(str(path), trimap)


def break_image(root: Path) -> None:
    for path in (root / 'images').iterdir():
        path.write_text('no image')


@pytest.mark.parametrize('workers', [0, 2])
@pytest.mark.parametrize(
    ('damage', 'message'),
    [(break_mask, 'allowed are [1, 2, 3]'), (break_image, 'not a readable image')],
    ids=['mask', 'image'],
)
def test_broken_files_are_named(
    run_tool: Command,
    sample: Path,
    tmp_path: Path,
    workers: int,
    damage: Callable[[Path], None],
    message: str,
) -> None:
    root = shutil.copytree(sample, tmp_path / 'broken')
    damage(root)
    refused(run_tool, message, *train_arguments(root, f'num_workers={workers}'))


def test_a_folder_that_cannot_be_written(run_tool: Command, sample: Path, tmp_path: Path) -> None:
    (tmp_path / 'runs').write_text('a file where the folder should be')
    refused(run_tool, 'choose another folder with --work-dir', *train_arguments(sample))


def test_a_tracker_that_is_not_installed(run_tool: Command, sample: Path, tmp_path: Path) -> None:
    child = tmp_path / 'child.py'
    child.write_text(f"_base_ = '{ROOT}/{CONFIG}'\nvis_backends = [dict(type='AimVisBackend')]\n")
    arguments = train_arguments(sample)
    arguments[1] = str(child)
    refused(run_tool, 'pip install -r requirements-tracking.txt', *arguments)


def test_test_refuses_what_is_no_checkpoint_of_the_model(
    run_tool: Command, sample: Path, tmp_path: Path
) -> None:
    options = ['--cfg-options', f'data_root={sample}', 'num_workers=0']
    refused(run_tool, 'no such checkpoint', 'test.py', CONFIG, 'none.pth', *options)

    other = MODELS.build(load_config('configs/unet_pet.py').resolved.model)
    torch.save(dict(state_dict=other.state_dict(), meta={}), tmp_path / 'other.pth')
    refused(run_tool, 'of another model', 'test.py', CONFIG, 'other.pth', *options)

    mark = tmp_path / 'executed'

    class Bomb:
        def __reduce__(self) -> tuple:
            return Path.touch, (mark,)

    torch.save(dict(state_dict={}, meta=Bomb()), tmp_path / 'bomb.pth')
    refused(run_tool, 'could run foreign code', 'test.py', CONFIG, 'bomb.pth', *options)
    assert not mark.exists()

    torch.save({}, tmp_path / 'empty.pth')
    out = tmp_path / 'out'
    out.write_text('')
    refused(run_tool, 'cannot be written', 'test.py', CONFIG, 'empty.pth', '--out', out, *options)


@pytest.mark.parametrize(
    ('gpus', 'message'), [('9999', 'use at most'), ('0', '1 or more'), ('two', "GPUS='two'")]
)
def test_more_processes_than_there_are(run_tool: Command, gpus: str, message: str) -> None:
    refused(run_tool, message, 'launch.py', 'train', gpus, CONFIG)
    if gpus == '9999':
        refused(run_tool, message, 'dist_train.sh', CONFIG, gpus)
        refused(run_tool, message, 'dist_test.sh', CONFIG, 'best.pth', gpus)


def test_usage(run_tool: Command) -> None:
    for name in ('dist_train.sh', 'dist_test.sh'):
        done = run_tool(name)
        assert (done.returncode, done.stderr[:6]) == (2, 'usage:')
    tools = ['train', 'test', 'predict', 'browse_dataset', 'prepare_data', 'launch']
    tools += ['find_learning_rate', 'find_batch_size', 'print_config', 'analyze_model']
    for name in (f'{tool}.py' for tool in tools):
        done = run_tool(name, '--help')
        assert done.returncode == 0
        assert 'usage:' in done.stdout
    assert run_tool('prepare_data.py').returncode == 2
    refused(run_tool, 'no data set there', 'prepare_data.py', '--check', '--root', 'nowhere')
    refused(run_tool, 'images.tar.gz', 'prepare_data.py', '--archives', 'nowhere')
