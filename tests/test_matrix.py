"""`make matrix` and what stands in for it: interpreters, versions, counts, the table."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from custom_modules.base.errors import UserError
from docs.generate.matrix_table import matrix_table
from tests import matrix
from tests.conftest import ROOT


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(0o755)
    return path


def test_pythons_are_named_alike_everywhere() -> None:
    project = (ROOT / 'pyproject.toml').read_text(encoding='utf-8')
    (bounds,) = re.findall(r'^requires-python = ">=3\.(\d+),<3\.(\d+)"', project, re.MULTILINE)
    first, below = map(int, bounds)
    assert tuple(f'3.{minor}' for minor in range(first, below)) == matrix.PYTHONS
    check = (ROOT / 'tools' / '_python.py').read_text(encoding='utf-8')
    assert f'FIRST, BELOW = (3, {first}), (3, {below})\n' in check
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    assert f'With Python 3.{first} to 3.{below - 1}' in readme
    assert f'target-version = "py3{first}"' in project
    container = json.loads((ROOT / '.devcontainer' / 'devcontainer.json').read_text('utf-8'))
    images = [container['image']]
    for name in ('Dockerfile', 'Dockerfile.train'):
        images += re.findall(r'^FROM (\S+)', (ROOT / name).read_text('utf-8'), re.MULTILINE)
    assert {re.sub(r'python:(3\.\d+)-.*', r'\1', image) for image in images} <= {*matrix.PYTHONS}


@pytest.mark.parametrize(
    ('version', 'status'), [((2, 7), 2), ((3, 9), 2), ((3, 10), 0), ((3, 14), 0), ((3, 15), 2)]
)
def test_a_python_that_is_too_old_is_told_so(version: tuple[int, int], status: int) -> None:
    """Before anything is imported, by the file that the Makefile and each tool begin with."""
    code = f'import sys, runpy; sys.version_info = {(*version, 0)}; runpy.run_path(sys.argv[1])'
    words = [sys.executable, '-c', code, str(ROOT / 'tools' / '_python.py')]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == status
    said = f'error: PetSeg needs Python 3.10 to 3.14, this is {version[0]}.{version[1]} ('
    assert done.stderr.startswith(said if status else '')
    assert done.stderr.count('\n') == (1 if status else 0)


def test_interpreters_are_those_that_start(tmp_path: Path) -> None:
    good = script(tmp_path / 'a' / 'python3.12', 'echo 3.12')
    script(tmp_path / 'a' / 'python3.10', 'echo no such version >&2; exit 127')
    script(tmp_path / 'b' / 'python3.12', 'echo 3.12')
    script(tmp_path / 'b' / 'python3.13', 'echo 3.11')  # another under its name
    old = script(tmp_path / 'b' / 'python3.10', 'echo 3.10')
    found = matrix.interpreters([tmp_path / 'a', tmp_path / 'none', tmp_path / 'b'])
    assert found == {'3.10': old, '3.12': good}
    assert list(found) == ['3.10', '3.12']


def test_what_is_installed() -> None:
    names = [text.partition('==')[0] for text in matrix.packages_of_tests()]
    assert sorted(names) == sorted(matrix.TEST_PACKAGES)
    other = 'tqdm==4.70.1; python_version >= "3.11"\n'
    tested = f'sympy==1.14.0\ntorch==2.13.0; python_version >= "3.11"\n{other}'
    assert matrix.with_torch(tested, '2.6.0') == f'torch==2.6.0\n{other}'


@pytest.mark.parametrize(
    ('line', 'passed', 'failed'),
    [
        ('129 passed, 2 skipped in 8.1s', 129, 0),
        ('1 failed, 3 passed, 1 error in 2s', 3, 2),
        ('no tests ran in 0.01s', 0, 0),
    ],
)
def test_counts(line: str, passed: int, failed: int) -> None:
    output = f'3 passed in a name\n{line}\n'
    assert matrix.counts(output) == dict(num_passed=passed, num_failed=failed)


def test_a_row_of_each_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are stood in for: all goes well, then the installation does not."""
    fails = ''
    calls: list[list[str]] = []
    sets: list[str] = []

    def run(words: list[str], folder: Path) -> SimpleNamespace:
        calls.append(words)
        if 'requirements.txt' in words:
            sets.append(
                re.findall(r'^torch==\S+', (folder / 'constraints.txt').read_text(), re.M)[0]
            )
        if fails and fails in words:
            return SimpleNamespace(
                returncode=1, stdout='', stderr=f'ERROR: no wheel | {folder}/x\na\n'
            )
        said = '7 passed in 1s'
        if 'demo.py' in words[-1]:
            test = folder / 'work_dirs' / 'unet_sample' / '2026' / 'test'
            test.mkdir(parents=True)
            (test / 'metrics.json').write_text('{"Dice": 0.97}')
        if '-c' in words and 'torch' in words[-1]:
            said = '{"python": "3.12.1", "torch": "2.13.0+cpu", "numpy": "2.4.6"}'
        return SimpleNamespace(returncode=0, stdout=said, stderr='')

    monkeypatch.setattr(matrix, '_run', run)

    def copy(folder: Path) -> Path:
        folder.mkdir()
        shutil.copy(ROOT / 'constraints.txt', folder)
        return folder

    monkeypatch.setattr(matrix, 'copy_of_project', copy)
    good = matrix.try_python(Path(sys.executable), None)
    assert (good['Dice'], good['num_passed'], good['num_failed']) == (0.97, 7, 0)
    assert not Path(calls[1][-1]).parent.exists()  # the folder of the environment
    fails = 'requirements.txt'
    bad = matrix.try_python(Path(sys.executable), '2.6.0') | dict(python='3.9.1')
    assert sets[1] == 'torch==2.6.0' != sets[0]
    assert bad['failure'] == 'installation: ERROR: no wheel | ./x'
    for row in (good, bad):
        (tmp_path / f'{row["python"]}.json').write_text(json.dumps(row))
    assert matrix_table(tmp_path).splitlines()[2:] == [
        '| 3.9.1 | 2.6.0 |  |  | 0 passed; installation: ERROR: no wheel / ./x |',
        '| 3.12.1 | 2.13.0+cpu | 2.4.6 | 0.9700 | 7 passed |',
    ]
    (tmp_path / 'x.json').write_text('{"python": "3.12.1"}')
    with pytest.raises(UserError, match=r'x\.json: is of no matrix'):
        matrix_table(tmp_path)
