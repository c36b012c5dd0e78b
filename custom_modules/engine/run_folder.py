"""``work_dirs/<config name>/<timestamp>/``: every run owns its folder, ``latest`` points at it."""

import os
from pathlib import Path

from ..errors import UserError


def create_run_folder(parent: Path, name: str) -> str:
    """Create a folder ``name`` below ``parent`` that did not exist, and return its name.

    A second run within the same second gets ``<name>_1`` and so on.

    Raises:
        UserError: the folder cannot be written.
    """
    tried = name
    for attempt in range(1, 1000):
        try:
            parent.mkdir(parents=True, exist_ok=True)
            (parent / tried).mkdir()
        except FileExistsError:
            if not parent.is_dir():
                raise UserError(f'{parent}: is a file; choose another --work-dir') from None
            tried = f'{name}_{attempt}'
            continue
        except OSError as error:
            raise UserError(
                f'{parent}: cannot be written ({error.strerror}); choose another --work-dir'
            ) from None
        return tried
    raise UserError(f'{parent}: too many runs called {name}')


def point_latest_at(run: Path) -> None:
    """Let ``latest`` beside the run point at it; where links do not exist there is none."""
    beside = run.with_name(f'.latest.{os.getpid()}')
    try:
        beside.symlink_to(run.name, target_is_directory=True)
        beside.replace(run.with_name('latest'))
    except OSError:
        beside.unlink(missing_ok=True)


def find_run(work_dir: Path, named: str = '') -> Path:
    """Return the run to resume: the one named, or the newest below ``work_dir`` with a last.pth.

    Args:
        work_dir: folder of the config's runs.
        named: a run's folder, its ``last.pth``, or its name below ``work_dir``; '' for the newest.

    Raises:
        UserError: there is no such run, or it has no ``last.pth``.
    """
    if named:
        candidates = [Path(named), Path(named).parent, work_dir / named]
        for folder in candidates:
            if (folder / 'last.pth').is_file():
                return folder.resolve()
        raise UserError(f'--resume {named}: there is no last.pth in it; give the folder of a run')
    runs = sorted(
        path.parent for path in work_dir.glob('*/last.pth') if path.parent.name != 'latest'
    )
    if not runs:
        raise UserError(
            f'--resume: no run below {work_dir} has a last.pth; name the folder of a run, '
            'or start without --resume'
        )
    return runs[-1].resolve()
