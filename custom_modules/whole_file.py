"""Files that are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

_PART = '.part'


def remove_parts(folder: Path) -> None:
    """Remove what processes that were killed while they wrote left in ``folder``."""
    for part in folder.glob(f'.*{_PART}'):
        part.unlink(missing_ok=True)


@contextmanager
def whole_file(
    path: str | Path, mode: str = 'w', previous: str | None = None, **options: Any
) -> Iterator[IO]:
    """Open a file beside ``path``, which takes its name when all of it is on the disk.

    A reader never sees half a file, and when writing fails an older file is still there.

    Args:
        path: of the file.
        mode: 'w' (UTF-8 unless ``options`` say otherwise) or 'wb'.
        previous: name under which the file that was there before stays beside it; None replaces it.
        options: of ``open``.
    """
    path = Path(path)
    if 'b' not in mode:
        options.setdefault('encoding', 'utf-8')
    beside = path.with_name(f'.{path.name}.{os.getpid()}{_PART}')
    try:
        with open(beside, mode, **options) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if previous and path.exists():
            path.replace(path.with_name(previous))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
