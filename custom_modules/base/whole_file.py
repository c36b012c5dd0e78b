"""Files and folders that are written whole or not at all."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .errors import UserError
from .file_names import refuse_forbidden
from .stopping import signals_wait

_PART = '.part'

#: What is full: the disk (or its table of files), the user's share of it, the largest file allowed.
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)

#: What the system says of a disk on which nothing can be written; none of it is a fault of ours.
_DISK = (
    *_FULL,
    *(errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.ESTALE, errno.EMFILE, errno.ENFILE),
    *(errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.ELOOP),
)


def cannot_write(path: str | Path, error: BaseException) -> UserError:
    """Return the error to raise where ``path`` cannot be written."""
    number = error.errno if isinstance(error, OSError) else None
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error).splitlines()[0]
    remedy = 'free some space there (df, df -i) or ' if number in _FULL else ''
    return UserError(f'{path}: cannot be written ({reason}); {remedy}choose another place')


def disk_error(error: Exception) -> UserError | None:
    """Return ``error`` in a line where it is the disk's, not ours; None where it is something else.

    Libraries in C++ and the workers of data loaders pass on the system's words alone.
    """
    if isinstance(error, OSError) and error.errno in _DISK:
        if error.errno in _FULL or error.errno == errno.EROFS:
            return cannot_write(error.filename or 'a file', error)
        return UserError(f'{error.filename or "a file"}: {error.strerror}')
    text = str(error)
    for number in _FULL:
        if os.strerror(number) in text:
            line = next(line for line in text.splitlines() if os.strerror(number) in line)
            what = 'a larger /dev/shm, or num_workers=0' if 'torch_' in line else 'free some space'
            return UserError(f'{line.strip()}; {what}')
    return None


def remove_parts(folder: Path) -> None:
    """Remove what processes that were killed while they wrote left in ``folder``."""
    for part in folder.glob(f'.*{_PART}'):
        part.unlink(missing_ok=True)


@contextmanager
def whole_file(
    path: str | Path,
    mode: str = 'w',
    previous: str | None = None,
    flush: bool = True,
    **options: Any,
) -> Iterator[IO]:
    """Open a file beside ``path``, which takes its name when all of it is on the disk.

    A reader never sees half a file, and when writing fails an older file is still there.

    Args:
        path: file to write.
        mode: 'w' for text (UTF-8 unless ``options`` say otherwise) or 'wb' for bytes.
        previous: name under which an older file at ``path`` is kept in the same folder; None
            replaces it.
        flush: whether to wait until the disk has the file; False for files of which there are
            thousands, and which are soon made again.
        options: further arguments of ``open``, such as ``encoding``.

    Raises:
        UserError: the disk is full, or a file cannot be written at ``path``.
    """
    path = Path(path)
    refuse_forbidden(path)
    if path.is_symlink():
        path = path.resolve()
    if path.exists() and not path.is_file():
        raise UserError(f'{path}: is no file; choose another place')
    if 'b' not in mode:
        options.setdefault('encoding', 'utf-8')
    staging = path.with_name(f'.{path.name}.{os.getpid()}{_PART}')
    try:
        with open(staging, mode, **options) as file:
            yield file
            file.flush()
            if flush:
                os.fsync(file.fileno())
        if previous and path.exists():
            path.replace(path.with_name(previous))
        staging.replace(path)
    except OSError as error:
        # The error of another file that is read meanwhile has its name, or is none of a disk.
        if error.filename == str(staging) or (error.filename is None and error.errno in _DISK):
            raise cannot_write(path, error) from error
        raise
    finally:
        staging.unlink(missing_ok=True)


@contextmanager
def staging_folder(path: Path) -> Iterator[Path]:
    """Make a staging folder for what is to be moved to ``path``, and remove it in the end.

    Raises:
        UserError: the disk is full, or no folder can be made there.
    """
    refuse_forbidden(path)
    staging = path.with_name(f'.{path.name}.{os.getpid()}{_PART}')
    try:
        staging.mkdir()
    except OSError as error:
        raise cannot_write(staging, error) from error
    try:
        yield staging
    finally:
        with signals_wait():
            shutil.rmtree(staging, ignore_errors=True)
