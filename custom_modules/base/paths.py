"""Where the project lies, how relative paths are understood, whether a folder can be written."""

import re
import tempfile
from pathlib import Path

from .errors import UserError
from .file_names import refuse_forbidden

#: Where ``configs`` and ``tools`` lie: the checkout, or the installed package.
PROJECT_ROOT = Path(__file__).resolve().parents[2]


#: Beside the runs of a config, the newest of them: a link, or where there are none a text file.
LATEST = 'latest'


def is_checkout() -> bool:
    """Say whether the project runs from its source, and not as an installed package."""
    return (PROJECT_ROOT / 'pyproject.toml').is_file()


def workspace() -> Path:
    """Return the folder of ``data`` and ``work_dirs``: the checkout, or the working directory."""
    return PROJECT_ROOT if is_checkout() else Path.cwd()


def as_typed(text: str) -> str:
    """Return a text in which commands are as the user types them: installed, ``petseg train``."""
    if is_checkout():
        return text
    return re.sub(r'(?:python )?tools/([a-z_]+)\.py', r'petseg \1', text)


def resolve_path(path: str | Path) -> Path:
    """Return ``path`` if absolute or present in the working directory, else below the project.

    This lets every tool run from any directory with the relative paths of the configs. What is in
    neither place is to be made in the ``workspace``.
    """
    path = follow_latest(Path(path).expanduser())
    if path.is_absolute() or path.exists():
        return path
    own = follow_latest(PROJECT_ROOT / path)
    return own if own.exists() else follow_latest(workspace() / path)


def follow_latest(path: Path) -> Path:
    """Return ``path`` with the folder of a run for each ``latest`` that is a text file.

    Where links are not allowed such a file stands for one: it holds the name of a folder beside it.
    Any other path is returned as it is.
    """
    for place, part in enumerate(path.parts):
        pointer = Path(*path.parts[: place + 1])
        if part == LATEST and pointer.is_file() and pointer.stat().st_size < 256:
            name = pointer.read_text(encoding='utf-8', errors='replace').strip()
            run = pointer.with_name(name) if name and Path(name).name == name else pointer
            if run.is_dir():
                return follow_latest(run.joinpath(*path.parts[place + 1 :]))
    return path


def short_path(path: str | Path) -> str:
    """Return ``path`` as seen from the project, where it lies inside."""
    absolute = Path(path).resolve()
    for root in (PROJECT_ROOT, workspace()):
        if absolute.is_relative_to(root):
            return absolute.relative_to(root).as_posix()
    return str(path)


def make_writable(folder: Path, option: str) -> None:
    """Create ``folder`` if it is not there.

    Raises:
        UserError: the folder cannot be created or written; the message names the ``option`` to
            change.
    """
    refuse_forbidden(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # permissions, a disk to be read, a full one
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f'{folder}: cannot be written ({reason}); choose another folder with {option}'
        ) from None
