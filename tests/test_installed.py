"""The project as an installed package: ``petseg`` as a command and as a module."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT, TINY
from tests.corpus.prepared import write_pictures

README = ROOT / 'README.md'
Run = Callable[..., subprocess.CompletedProcess]


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What ``pip install .`` installs, without its requirements."""
    pytest.importorskip('setuptools', minversion='77')
    source, site = tmp_path_factory.mktemp('source'), tmp_path_factory.mktemp('site')
    folders = ('configs', 'custom_modules', 'petseg', 'pretrained', 'tools')
    for name in (*folders, 'README.md', 'pyproject.toml'):
        (source / name).symlink_to(ROOT / name)
    for path in [ROOT / 'setup.py', *ROOT.glob('requirements*.txt')]:
        (source / path.name).symlink_to(path)
    offline = ['--no-deps', '--no-build-isolation', '--no-index', '--no-cache-dir']
    pip = [sys.executable, '-m', 'pip', '-q', '--disable-pip-version-check']
    words = [*pip, 'install', *offline, '--target', str(site), str(source)]
    subprocess.run(words, check=True, cwd=source)
    return site


@pytest.fixture
def run(site: Path, tmp_path: Path) -> Run:
    """Run Python with the installed package, in a folder that holds nothing."""

    def run(*words: object) -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, *map(str, words)],
            cwd=tmp_path,
            env={**os.environ, 'PYTHONPATH': str(site)},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def test_from_training_to_masks(run: Run, site: Path, sample: Path, tmp_path: Path) -> None:
    before = {path for path in site.rglob('*') if path.suffix != '.pyc' and path.is_file()}
    options = ['--cfg-options', *TINY, f'data_root={sample}', 'max_epochs=1']
    config = 'configs/sample/unet_sample.py'
    trained = run('-m', 'petseg', 'train', config, *options)
    assert trained.returncode == 0, trained.stderr
    best = tmp_path / 'work_dirs' / 'unet_sample' / 'latest' / 'best.pth'
    tested = run('-m', 'petseg', 'test', config, best, *options)
    assert tested.returncode == 0, tested.stderr
    metrics = json.loads(best.with_name('metrics.json').read_text())
    assert metrics['commit'].startswith('petseg 0.')  # not that of a repository around it
    page = run('-m', 'petseg', 'report', best.parent, '--out', tmp_path / 'report.html')
    assert page.returncode == 0, page.stderr
    assert 'petseg test work_dirs/unet_sample/' in (tmp_path / 'report.html').read_text()
    photograph = next((sample / 'images').glob('*.jpg'))
    code = (
        'import petseg\n'
        f'model = petseg.load({config!r}, {str(best)!r}, options={TINY!r})\n'
        f'print(model({str(photograph)!r}).mask.shape)\n'
        'from custom_modules.evaluation import DiceMetric\n'
    )
    found = run('-c', code)
    assert found.returncode == 0, found.stderr
    assert found.stdout.startswith('(')
    after = {path for path in site.rglob('*') if path.suffix != '.pyc' and path.is_file()}
    assert after == before


def test_a_folder_of_ones_own(run: Run, tmp_path: Path) -> None:
    """The config in the working directory inherits from those that are installed."""
    (tmp_path / 'leaves').mkdir()
    write_pictures(tmp_path / 'leaves', 6, 'images', 'masks')
    code = (
        'import sys, petseg\n'
        'from petseg.__main__ import main\n'
        'sys.argv = ["petseg", "prepare_data", "--from", "leaves", "--name", "own"]\n'
        'main()\n'
        'from custom_modules.config import load_config\n'
        'print(load_config("configs/mine/own.py").resolved.train_dataloader.dataset.pairs)\n'
    )
    prepared = run('-c', code)
    assert prepared.returncode == 0, prepared.stderr
    assert 'train with petseg train configs/mine/own.py' in prepared.stdout
    assert prepared.stdout.splitlines()[-1] == 'configs/mine/own.csv'
    assert (tmp_path / 'data' / 'mine' / 'own' / 'pairs.html').is_file()


def test_what_the_command_says(run: Run) -> None:
    listed = run('-m', 'petseg')
    assert listed.returncode == 0
    assert '  train                Train the model of a config\n' in listed.stdout
    (table,) = re.findall(r'## All commands\n(.*?)\n## ', README.read_text('utf-8'), re.DOTALL)
    tools = {line.split()[0] for line in listed.stdout.splitlines() if line.startswith('  ')}
    assert {*re.findall(r'`([a-z_]+)`', table)} == tools
    help_text = run('-m', 'petseg', 'find-batch-size', '--help').stdout
    assert help_text.startswith('usage: petseg find_batch_size ')
    assert 'tools/' not in help_text
    for words in (['tran'], ['_start'], ['../setup']):
        wrong = run('-m', 'petseg', *words)
        assert wrong.returncode == 2
        assert wrong.stderr.startswith(f'error: petseg {words[0]}: no such tool')
    no_data = run('-m', 'petseg', 'train', 'configs/sample/unet_sample.py')
    assert no_data.returncode == 2
    assert 'Prepare the data first: petseg prepare_data --download' in no_data.stderr


def test_a_package_of_the_same_name(run: Run, site: Path, tmp_path: Path) -> None:
    (tmp_path / 'custom_modules').mkdir()
    (tmp_path / 'custom_modules' / '__init__.py').touch()
    met = run('-c', 'import petseg')
    assert met.returncode == 1
    assert 'has the name of a package of PetSeg; rename it' in met.stderr
    # The command finds its own, since the folder where one stands is not on its way.
    assert run(site / 'bin' / 'petseg', 'train', '--help').returncode == 0
