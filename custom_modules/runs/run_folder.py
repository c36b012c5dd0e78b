"""``work_dirs/<config name>/<timestamp>/``: every run owns its folder, ``latest`` points at it."""

import itertools
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..base.errors import UserError
from ..base.paths import LATEST, follow_latest, short_path
from ..base.shell import shell_word
from ..base.whole_file import whole_file
from ..config.written import CODE, origin

#: The newest state of a training, and the one before it.
LAST, PREVIOUS = 'last.pth', 'previous.pth'

#: Holds the name of the launch that made the run.
_LAUNCH = 'launch.txt'

#: Seconds by which the clocks of a file server and of this machine may differ.
_CLOCKS_DIFFER = 24 * 3600


def create_run_folder(parent: Path, name: str) -> str:
    """Create a folder ``name`` below ``parent`` that did not exist, and return its name.

    A second run within the same second gets ``<name>_1`` and so on.
    """
    for attempt in itertools.count():
        tried = f'{name}_{attempt}' if attempt else name
        with suppress(FileExistsError):
            (parent / tried).mkdir()
            break
    return tried


def point_latest_at(run: Path) -> None:
    """Let ``latest`` beside the run point at it: a link, or a text file where there are none.

    ``follow_latest`` reads both. A folder of that name is somebody's own and stays.
    """
    latest, beside = run.with_name(LATEST), run.with_name(f'.{LATEST}.{os.getpid()}')
    try:
        beside.symlink_to(run.name, target_is_directory=True)
        beside.replace(latest)
    except (OSError, NotImplementedError):  # not allowed; Python was built without
        beside.unlink(missing_ok=True)
        if latest.is_symlink():  # of a time or a system that had them
            latest.unlink()
        if latest.is_file() or not latest.exists():
            with whole_file(latest) as file:
                file.write(f'{run.name}\n')


def mark_launch(run: Path, launch: str) -> None:
    """Note in the run's folder which launch it belongs to."""
    with whole_file(run / _LAUNCH) as file:
        file.write(launch)


def find_launch(work_dir: Path, launch: str) -> Path | None:
    """Return the run that an earlier start of this launch made and that can go on, or None."""
    for run in _runs(work_dir):
        mark = run / _LAUNCH
        if mark.is_file() and mark.read_text(encoding='utf-8', errors='replace') == launch:
            return run
    return None


def _runs(work_dir: Path) -> Iterator[Path]:
    """Yield the runs that can go on and lie in ``work_dir`` itself; links may lead elsewhere."""
    for path in work_dir.glob('*/'):
        if not path.is_symlink() and _can_go_on(path):
            yield path.resolve()


def _can_go_on(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (LAST, PREVIOUS))


def _saved(run: Path) -> float:
    """Return when the newest state of a run was written, in seconds since 1970."""
    states = (run / name for name in (LAST, PREVIOUS))
    return max(state.stat().st_mtime for state in states if state.is_file())


def find_run(work_dir: Path, named: str = '', config: str = '') -> Path:
    """Return the run to resume: the one named, or the newest of ``find_newest``.

    Args:
        work_dir: folder of the config's runs.
        named: run to resume: its folder, its ``last.pth``, or its name below ``work_dir``; '' for
            the newest.
        config: config that the newest run must come from, see ``find_newest``.

    Raises:
        UserError: there is no such run, it has neither ``last.pth`` nor ``previous.pth``, or the
            newest was saved in the future (see ``find_newest``).
    """
    if named:
        path = follow_latest(Path(named))
        folders = (
            [path.parent]
            if path.name in (LAST, PREVIOUS)
            else [path, follow_latest(work_dir / named)]
        )
        for folder in folders:
            if _can_go_on(folder):
                return folder.resolve()
        raise UserError(f'--resume {named}: there is no {LAST} in it; give the folder of a run')
    newest = find_newest(work_dir, config)
    if newest is None:
        raise UserError(
            f'--resume: no run below {work_dir} has a {LAST}; name the folder of a run, '
            'or start without --resume'
        )
    return newest


def find_newest(work_dir: Path, config: str = '') -> Path | None:
    """Return the run below ``work_dir`` that was saved last, or None.

    What counts is when its state was written, not what its folder is called.

    Args:
        work_dir: folder of the config's runs.
        config: path of a config, as ``origin`` returns it; runs that say that they come from
            another are passed over. '' takes all.

    Raises:
        UserError: the run was saved in the future, so that nobody knows which is the newest.
    """
    runs = [run for run in _runs(work_dir) if not config or _is_of(run, config)]
    newest = max(runs, key=lambda run: (_saved(run), run.name), default=None)
    if newest is not None and _saved(newest) > time.time() + _CLOCKS_DIFFER:
        raise UserError(
            f'{newest}: was saved in the future by the clock of this machine; name the run to go '
            f'on with, such as --resume {shell_word(newest.name)}'
        )
    return newest


def _is_of(run: Path, config: str) -> bool:
    found = origin(run / CODE)
    return found in (config, short_path(run / CODE))  # older runs do not say
