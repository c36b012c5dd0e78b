"""Where the project lies, how relative paths are understood, whether a folder can be written."""

import tempfile
from pathlib import Path

from .errors import UserError

PROJECT_ROOT = Path(__file__).resolve().parents[2]


def resolve_path(path: str | Path) -> Path:
    """Return ``path`` if absolute or present in the working directory, else below the project.

    This lets every tool run from any directory with the relative paths of the configs.
    """
    path = Path(path).expanduser()
    if path.is_absolute() or path.exists():
        return path
    return PROJECT_ROOT / path


def short_path(path: str | Path) -> str:
    """Return ``path`` as seen from the project, where it lies inside."""
    absolute = Path(path).resolve()
    if absolute.is_relative_to(PROJECT_ROOT):
        return absolute.relative_to(PROJECT_ROOT).as_posix()
    return str(path)


def make_writable(folder: Path, option: str) -> None:
    """Create ``folder`` if it is not there.

    Raises:
        UserError: it cannot be created or written; the message names the ``option`` to change.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):  # permissions, a disk to be read, a full one
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f'{folder}: cannot be written ({reason}); choose another folder with {option}'
        ) from None
