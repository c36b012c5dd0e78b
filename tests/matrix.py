"""The sample and the unit tests under each Python of this machine: python -m tests.matrix

For each interpreter, one after the other, a copy of the project gets a virtual environment in a
temporary folder, installs its requirements, runs the demo and the unit tests, and is removed.
What came out goes to results/matrix/, from which `python -m docs.generate` makes a table.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / 'results' / 'matrix'

#: Pythons that are looked for, as pyproject.toml has them.
PYTHONS = ('3.10', '3.11', '3.12', '3.13', '3.14')

#: What is tested under each: models, losses, configs, data sets, and how a batch is trained.
UNIT_TESTS = tuple(
    f'tests/test_{name}.py'
    for name in ('models', 'losses', 'config', 'datasets', 'transforms', 'training_step', 'folds')
)

#: What these tests need beside the requirements; their versions are those of requirements-dev.txt.
TEST_PACKAGES = ('pytest', 'pytest-xdist')

_FACTS = (
    'import importlib.metadata, json, platform, torch; print(json.dumps(dict('
    'python=platform.python_version(), torch=torch.__version__, '
    "numpy=importlib.metadata.version('numpy'))))"
)


def interpreters(folders: Iterable[Path]) -> dict[str, Path]:
    """Return for each version that one of the folders has (`python3.12`) its interpreter.

    A name that does not start, as that of a version manager for a version it lacks, is left out.
    """
    found: dict[str, Path] = {}
    for folder in folders:
        for version in PYTHONS:
            path = folder / f'python{version}'
            if version not in found and path.is_file() and _version_of(path) == version:
                found[version] = path
    return dict(sorted(found.items(), key=lambda item: PYTHONS.index(item[0])))


def _version_of(path: Path) -> str | None:
    words = [str(path), '-c', 'import sys; print("%d.%d" % sys.version_info[:2])']
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    except OSError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def places() -> list[Path]:
    """Return the folders that may have interpreters: those of PATH, and pyenv's."""
    pyenv = Path(os.environ.get('PYENV_ROOT', Path.home() / '.pyenv')) / 'versions'
    path = [Path(folder) for folder in os.environ.get('PATH', '').split(os.pathsep) if folder]
    return [*sorted(pyenv.glob('*/bin'), reverse=True), *path]


def copy_of_project(folder: Path) -> Path:
    """Copy what git tracks or would track, so that nothing is written into the checkout."""
    words = ['git', 'ls-files', '--cached', '--others', '--exclude-standard']
    listed = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def packages_of_tests() -> list[str]:
    """Return what the tests need, with the versions of requirements-dev.txt."""
    pinned = (ROOT / 'requirements-dev.txt').read_text(encoding='utf-8').splitlines()
    return [line for line in pinned if line.partition('==')[0] in TEST_PACKAGES]


def with_torch(constraints: str, version: str) -> str:
    """Return the tested set with another release of torch, for every Python.

    The version of sympy goes: torch 2.6 asks for exactly one, and it is not that of later ones.
    """
    free = re.sub(r'^sympy==.*\n', '', constraints, flags=re.MULTILINE)
    return re.sub(r'^torch==.*$', f'torch=={version}', free, flags=re.MULTILINE)


def counts(output: str) -> dict[str, int]:
    """Return how many tests passed and failed, from the last line of pytest."""
    last = output.strip().splitlines()[-1] if output.strip() else ''
    found = {word: int(number) for number, word in re.findall(r'(\d+) (passed|failed|error)', last)}
    return dict(
        num_passed=found.get('passed', 0),
        num_failed=found.get('failed', 0) + found.get('error', 0),
    )


def try_python(python: Path, torch: str | None) -> dict[str, Any]:
    """Install, run the demo and the tests under one interpreter; return what came out.

    What does not go on ends the row with `failure`: the step and the last line that it said.
    """
    started = time.monotonic()
    row: dict[str, Any] = dict(
        python=_version_of(python),
        system=platform.system(),
        machine=platform.machine(),
        commit=_run(['git', 'rev-parse', '--short', 'HEAD'], ROOT).stdout.strip(),
    )
    row |= dict(torch=torch) if torch else {}
    with tempfile.TemporaryDirectory(prefix='petseg-matrix-') as name:
        folder = copy_of_project(Path(name) / 'petseg')
        if torch:
            set_of_versions = folder / 'constraints.txt'
            text = set_of_versions.read_text(encoding='utf-8')
            set_of_versions.write_text(with_torch(text, torch), encoding='utf-8')
        venv = Path(name) / 'venv'
        own = venv / ('Scripts/python.exe' if os.name == 'nt' else 'bin/python')
        pip = [str(own), '-m', 'pip', 'install', '-q', '--disable-pip-version-check']
        wanted = ['-r', 'requirements.txt', '-c', 'constraints.txt', *packages_of_tests()]
        steps: list[tuple[str, list[str]]] = [
            ('virtual environment', [str(python), '-m', 'venv', str(venv)]),
            ('installation', [*pip, '--no-cache-dir', *wanted]),
            ('facts', [str(own), '-c', _FACTS]),
            ('demo', [str(own), 'tools/demo.py']),
            ('tests', [str(own), '-m', 'pytest', '-n', '0', *UNIT_TESTS]),
        ]
        for step, words in steps:
            print(f'Python {row["python"]}: {step}', flush=True)
            done = _run(words, folder)
            if step == 'tests':
                row |= counts(done.stdout)
            if done.returncode:
                row['failure'] = f'{step}: {reason(done)}'.replace(str(folder), '.')
                print(f'{done.stdout}{done.stderr}'[-4000:], file=sys.stderr)
                break
            if step == 'facts':
                row |= json.loads(done.stdout)
            if step == 'demo':
                (metrics,) = folder.glob('work_dirs/unet_sample/2*/test/metrics.json')
                row['Dice'] = json.loads(metrics.read_text(encoding='utf-8'))['Dice']
    return row | dict(minutes=(time.monotonic() - started) / 60)


def reason(done: subprocess.CompletedProcess) -> str:
    """Return the line that says why a process failed: that of an error, or the last one."""
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines() or ['']
    errors = [line for line in lines if re.match(r'(?i:error|failed|\w+Error)\b', line)]
    return (errors or lines)[-1]


def _run(words: Sequence[str], folder: Path) -> subprocess.CompletedProcess:
    environment = {name: value for name, value in os.environ.items() if name != 'PYTHONPATH'}
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, env=environment)


def main() -> None:
    """Run the matrix, or a part of it; one file for each Python and torch."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--python', action='append', choices=PYTHONS, help='only this one; may be repeated'
    )
    parser.add_argument('--torch', help='version in the place of that of constraints.txt')
    args = parser.parse_args()
    found = interpreters(places())
    missing = [version for version in args.python or () if version not in found]
    if missing or not found:
        parser.error(f'no Python {", ".join(missing or PYTHONS)} here; found: {[*found]}')
    RESULTS.mkdir(parents=True, exist_ok=True)
    failed = []
    for version in args.python or found:
        row = try_python(found[version], args.torch)
        name = f'python-{version}' + (f'-torch-{args.torch}' if args.torch else '')
        text = json.dumps(row, indent=2, allow_nan=False) + '\n'
        (RESULTS / f'{name}.json').write_text(text, encoding='utf-8')
        print(f'{name}: {row}', flush=True)
        failed += [name] if 'failure' in row else []
    if failed:
        raise SystemExit(f'failed: {", ".join(failed)}')


if __name__ == '__main__':
    main()
