"""Whatever the tests write lies outside of the checkout, and whoever forgets it is told."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.checkout import differences, listing
from tests.conftest import ROOT


def repoint(root: Path) -> None:
    (root / 'work_dirs' / 'latest').unlink()
    (root / 'work_dirs' / 'latest').symlink_to('second')


@pytest.mark.parametrize(
    ('change', 'lines'),
    [
        (lambda _: None, []),
        (lambda root: (root / 'work_dirs' / 'new').mkdir(), ['made: work_dirs/new']),
        (repoint, ['changed: work_dirs/latest']),
        (lambda root: (root / 'a.txt').write_text('2'), ['changed: a.txt']),
        (lambda root: (root / 'a.txt').unlink(), ['removed: a.txt']),
        (lambda root: (root / '.petseg_cache').mkdir(), ['made: .petseg_cache']),
        (lambda root: (root / 'work_dirs' / '__pycache__').mkdir(), []),
    ],
    ids=['nothing', 'a run', 'latest', 'a file', 'a file gone', 'a cache', 'compiled Python'],
)
def test_a_change_is_noticed(
    tmp_path: Path, change: Callable[[Path], object], lines: list[str]
) -> None:
    for name in ('first', 'second'):
        (tmp_path / 'work_dirs' / name).mkdir(parents=True)
    (tmp_path / 'work_dirs' / 'latest').symlink_to('first')
    (tmp_path / 'a.txt').write_text('1')
    os.utime(tmp_path / 'a.txt', (0, 0))
    before = listing(tmp_path)
    change(tmp_path)
    assert differences(before, listing(tmp_path)) == lines


def test_such_a_session_fails(tmp_path: Path) -> None:
    """All tests pass, in a process of their own, and the status is 1."""
    (tmp_path / 'test_it.py').write_text("def test_it(): open('run', 'w').close()\n")
    plugins = ['-p', 'xdist.plugin', '-p', 'tests.checkout']
    done = subprocess.run(
        [sys.executable, '-m', 'pytest', *plugins, '-n', '1', '--rootdir', str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'PYTEST_DISABLE_PLUGIN_AUTOLOAD': '1'},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert '1 passed' in done.stdout, done.stdout + done.stderr
    assert 'made: run' in done.stdout
    assert done.returncode == 1
