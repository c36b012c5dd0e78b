"""``work_dirs/<config name>/<timestamp>/``: every run owns its folder, ``latest`` points at it."""

import itertools
import os
from contextlib import suppress
from pathlib import Path

from ..errors import UserError
from ..whole_file import whole_file

#: The newest state of a training, and the one before it.
LAST, PREVIOUS = 'last.pth', 'previous.pth'

#: Holds the name of the launch that made the run.
_LAUNCH = 'launch.txt'


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
    """Let ``latest`` beside the run point at it; where links do not exist there is none."""
    beside = run.with_name(f'.latest.{os.getpid()}')
    try:
        beside.symlink_to(run.name, target_is_directory=True)
        beside.replace(run.with_name('latest'))
    except OSError:
        beside.unlink(missing_ok=True)


def mark_launch(run: Path, launch: str) -> None:
    """Note in the run's folder which launch it belongs to."""
    with whole_file(run / _LAUNCH) as file:
        file.write(launch)


def find_launch(work_dir: Path, launch: str) -> Path | None:
    """Return the run that an earlier start of this launch made and that can go on, or None."""
    for mark in work_dir.glob(f'*/{_LAUNCH}'):
        if mark.read_text(encoding='utf-8') == launch and _can_go_on(mark.parent):
            return mark.parent.resolve()
    return None


def _can_go_on(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (LAST, PREVIOUS))


def find_run(work_dir: Path, named: str = '') -> Path:
    """Return the run to resume: the one named, or the newest below ``work_dir`` with a checkpoint.

    Args:
        work_dir: folder of the config's runs.
        named: a run's folder, its ``last.pth``, or its name below ``work_dir``; '' for the newest.

    Raises:
        UserError: there is no such run, or it has neither ``last.pth`` nor ``previous.pth``.
    """
    if named:
        candidates = [Path(named), Path(named).parent, work_dir / named]
        for folder in candidates:
            if _can_go_on(folder):
                return folder.resolve()
        raise UserError(f'--resume {named}: there is no {LAST} in it; give the folder of a run')
    runs = sorted(
        path for path in work_dir.glob('*/') if path.name != 'latest' and _can_go_on(path)
    )
    if not runs:
        raise UserError(
            f'--resume: no run below {work_dir} has a {LAST}; name the folder of a run, '
            'or start without --resume'
        )
    return runs[-1].resolve()
