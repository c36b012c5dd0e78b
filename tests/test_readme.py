"""Every command of the README is executed, in a copy of the project and on little data."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import ROOT, TINY
from tests.warm_tools import WarmTools

README = (ROOT / 'README.md').read_text(encoding='utf-8')
COMMANDS = [
    line
    for block in re.findall(r'```bash\n(.*?)```', README, re.DOTALL)
    for line in block.splitlines()
    if line.strip()
]

NARROW_UNET = [
    'model.backbone.channels=[8,16,32]',
    'model.decode_head.in_channels=[8,16,32]',
    'model.decode_head.channels=[16,8]',
]

SLURM = 'PARTITION=gpu TIME=8:00:00 bash tools/slurm_train.sh configs/unet_pet.py 16'

#: Commands that run elsewhere: make test is what runs this, the others have tests of their own.
ELSEWHERE = {
    'make test',
    'source .venv/bin/activate',
    'pip install .',
    'petseg train configs/sample/unet_sample.py',
    SLURM,
}


@pytest.fixture(scope='module')
def project(tmp_path_factory: pytest.TempPathFactory, sample: Path) -> Path:
    """A copy of what git tracks or would track, with a small data set where the real one goes."""
    copy = tmp_path_factory.mktemp('project') / 'petseg'
    listing = subprocess.run(
        ['git', 'ls-files', '--cached', '--others', '--exclude-standard'],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in listing:
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy / name)
    shutil.copytree(sample, copy / 'data' / 'oxford-iiit-pet')
    for folder in ('images', 'masks'):
        (copy / 'mine' / folder).mkdir(parents=True)
    (copy / 'photos').mkdir()
    for path in sorted((sample / 'images').iterdir())[:3]:
        shutil.copy(path, copy / 'photos')
    for n in range(30):
        mask = np.zeros((40, 50), np.uint8)
        mask[5:30, n % 20 : 30] = 255
        cv2.imwrite(str(copy / 'mine' / 'images' / f'{n}.jpg'), np.dstack([mask // 2] * 3))
        cv2.imwrite(str(copy / 'mine' / 'masks' / f'{n}.png'), mask)
    return copy


@pytest.fixture(scope='module')
def warm(project: Path) -> Iterator[WarmTools]:
    """The tools of the copy, without the seconds of their imports."""
    with WarmTools(project) as tools:
        yield tools


def shortened(command: str) -> list[str]:
    """Add what makes a training, test or prediction of the README a matter of seconds."""
    words = shlex.split(command)
    words[0] = {'python': sys.executable}.get(words[0], words[0])
    if 'sweep' in words[1]:
        return [*words, '--dry-run']
    if not re.search('train|test|predict|browse|export|publish', words[1]):
        return words
    if 'pretrained/pets' in words:  # as it is
        return words
    is_resnet = 'resnet34' in command or 'configs/mine/' in command  # as the plan has it here
    tiny = [*TINY, 'image_size=64'] if is_resnet else TINY
    narrow = ['width=0.25'] if is_resnet else NARROW_UNET
    if '--cfg-options' not in words:
        words.append('--cfg-options')
    return [*words, *tiny, *narrow]


#: Tools that a test has started as a user does: ``make demo`` each of these, the first command of
#: the README each other one.
STARTED = {'tools/train.py', 'tools/test.py', 'tools/prepare_data.py', 'tools/report.py'}


def execute(
    project: Path, words: list[str], warm: WarmTools | None = None
) -> subprocess.CompletedProcess:
    environment = {**os.environ, 'PYTHON': sys.executable}
    if warm and words[1] in STARTED:
        return warm.run(words[1:], project, environment, timeout=300)
    if words[1].endswith('.py'):
        STARTED.add(words[1])
    return subprocess.run(
        words, cwd=project, capture_output=True, text=True, timeout=300, env=environment
    )


def test_the_readme_has_commands() -> None:
    assert len(COMMANDS) >= 14
    assert set(COMMANDS) >= ELSEWHERE


def test_every_command_of_the_readme_runs(project: Path, warm: WarmTools) -> None:
    """In the README's order, because later ones need what earlier ones made."""
    special: dict[str, Callable[[], None]] = {
        'make demo': lambda: trains_as_the_demo_does(project, warm),
        'python tools/prepare_data.py --download': lambda: refuses_a_wrong_address(project, warm),
        'python tools/prepare_data.py --archives DIR': lambda: unpacks(project, warm),
    }
    for command in COMMANDS:
        if command in ELSEWHERE:
            continue
        if command in special:
            special[command]()
            continue
        done = execute(project, shortened(command), warm)
        assert done.returncode == 0, f'{command}\n{done.stdout}\n{done.stderr}'
    for result in ('metrics.json', 'per_image.csv', 'examples.png', 'masks'):
        # Later commands train again, so that latest is another run by now.
        assert len(list((project / 'work_dirs' / 'unet_pet').glob(f'2*/test/{result}'))) == 1
    assert 'id="comparison"' in (project / 'work_dirs' / 'report.html').read_text()
    assert (project / 'work_dirs' / 'cat' / 'cutouts' / 'cat.png').is_file()
    for photos in ('photos', 'photos_onnx', 'photos_of_the_demo'):
        assert len(list((project / 'work_dirs' / photos / 'overlays').iterdir())) == 3
    assert len(list((project / 'work_dirs' / 'mine').glob('2*/best.pth'))) == 1
    assert 'id="pictures"' in (project / 'work_dirs' / 'mine' / 'test' / 'report.html').read_text()


def trains_as_the_demo_does(project: Path, warm: WarmTools) -> None:
    """For the commands that take its model; the whole demo has a test of its own."""
    train = 'python tools/train.py configs/sample/unet_sample.py'
    for command in ('python tools/prepare_data.py --sample', train):
        done = execute(project, shortened(command), warm)
        assert done.returncode == 0, done.stderr


def refuses_a_wrong_address(project: Path, warm: WarmTools) -> None:
    """The real address is never asked by a test; nothing listens on port 9 of this machine."""
    words = [sys.executable, 'tools/prepare_data.py', '--download', '--url', 'ftp://127.0.0.1:9']
    done = execute(project, words, warm)
    assert (done.returncode, 'only http and https' in done.stderr) == (2, True)


def unpacks(project: Path, warm: WarmTools) -> None:
    root = project / 'data' / 'oxford-iiit-pet'
    folder = project / 'DIR'
    folder.mkdir()
    for top in ('images', 'annotations'):
        shutil.make_archive(str(folder / top), 'gztar', root, top)
    lengths = (root / 'sample.json').read_text()
    words = [sys.executable, 'tools/prepare_data.py', '--archives', 'DIR']
    done = execute(project, words, warm)
    # The drawn pets are fewer than the published ones, and the check says so.
    assert done.returncode == 2
    assert 'fault: annotations/trainval.txt: 240 lines' in done.stdout
    (root / 'sample.json').write_text(lengths)


def test_the_ablation_of_the_readme_resolves(project: Path, warm: WarmTools) -> None:
    (ablation,) = re.findall(r'```python\n("""UNet without.*?)```', README, re.DOTALL)
    assert len(ablation.strip().splitlines()) <= 6
    (project / 'configs' / 'ablation.py').write_text(ablation)
    words = [sys.executable, 'tools/train.py', 'configs/ablation.py', '--cfg-options']
    done = execute(project, [*words, *TINY, *NARROW_UNET], warm)
    assert done.returncode == 0, done.stderr


def test_make_demo(project: Path) -> None:
    """The whole demo: at least 0.95, and every file it speaks of is there."""
    venv = project / '.venv'
    (venv / 'bin').mkdir(parents=True)
    (venv / 'bin' / 'python').write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (venv / 'bin' / 'python').chmod(0o755)
    (venv / '.run').touch()
    done = execute(project, ['make', 'demo'])
    assert done.returncode == 0, done.stderr
    out = project / 'work_dirs' / 'unet_sample' / 'latest' / 'test'
    assert json.loads((out / 'metrics.json').read_text())['Dice'] >= 0.95
    named = re.findall(r'work_dirs/\S+\.(?:json|csv|png|html)', done.stdout)
    assert len(named) >= 4
    assert all((project / name).is_file() for name in named)


def test_the_notebook(project: Path) -> None:
    """Its cells run from top to bottom, in a folder below the project as a notebook's kernel does.

    Jupyter is not needed: a cell is Python, whose last value nobody looks at here.
    """
    notebook = json.loads((project / 'examples' / 'quickstart.ipynb').read_text('utf-8'))
    cells = [cell for cell in notebook['cells'] if cell['cell_type'] == 'code']
    assert all(cell['outputs'] == [] and cell['execution_count'] is None for cell in cells)
    text = '\n\n'.join(''.join(cell['source']) for cell in cells)
    tiny, changes = re.subn(r"\['max_epochs=16'\].*", repr(TINY), text)
    assert changes == 1
    seen = '\nassert prediction.mask.shape == Image.open(picture).size[::-1]\n'
    words = [sys.executable, '-c', f'{tiny}{seen}print(metrics["num_images"], page)']
    done = subprocess.run(
        words, cwd=project / 'examples', capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    count, page = done.stdout.splitlines()[-1].split()
    assert count == '6'
    assert 'id="pictures"' in Path(page).read_text(encoding='utf-8')
