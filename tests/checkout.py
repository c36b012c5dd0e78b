"""The tests leave the checkout as they found it: what they make lies elsewhere.

The hooks below compare what lies there before and after; a difference is a failure of the session,
however many processes ran the tests.
"""

import os
from pathlib import Path

import pytest

#: What tools that look at the code keep for themselves, wherever it lies.
CACHES = {
    *('.git', '.venv', '__pycache__', '.pytest_cache', '.mypy_cache', '.ruff_cache', '.hypothesis'),
}

Listing = dict[str, tuple[object, ...]]

_BEFORE = pytest.StashKey[Listing]()
_FOUND = pytest.StashKey[list[str]]()


def listing(root: Path) -> Listing:
    """Return what tells a change of each file, link and folder below ``root``."""
    found: Listing = {}
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in CACHES]
        for name in (*folders, *files):
            path = Path(folder, name)
            if path.suffix == '.meta':  # mutmut's, beside each file that it changes
                continue
            stat = path.lstat()
            facts: tuple[object, ...] = (stat.st_mode,)
            if path.is_symlink():
                facts += (str(path.readlink()),)
            elif not path.is_dir():  # the time of a folder changes with the caches in it
                facts += (stat.st_size, stat.st_mtime_ns)
            found[str(path.relative_to(root))] = facts
    return found


def differences(before: Listing, after: Listing) -> list[str]:
    """Return a line for each path that is new, gone or changed."""
    changed = (path for path in before.keys() & after.keys() if before[path] != after[path])
    lines = [f'made: {path}' for path in after.keys() - before.keys()]
    lines += [f'removed: {path}' for path in before.keys() - after.keys()]
    return sorted([*lines, *(f'changed: {path}' for path in changed)])


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remember what is there; of several processes the one that starts the others does."""
    if not hasattr(session.config, 'workerinput'):
        session.config.stash[_BEFORE] = listing(session.config.rootpath)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail if the tests changed anything."""
    stash = session.config.stash
    if _BEFORE in stash:
        stash[_FOUND] = differences(stash[_BEFORE], listing(session.config.rootpath))
        if stash[_FOUND] and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name what was changed."""
    if found := config.stash.get(_FOUND, []):
        terminalreporter.section('the tests changed the checkout', red=True)
        for line in found:
            terminalreporter.write_line(line)
