"""Lists of images in text files."""

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from ..base.errors import UserError

#: Of a list; that of a million images has less.
MAX_BYTES = 64 << 20


def read_lines(path: Path, remedy: str) -> list[str]:
    """Return the lines of a text file in UTF-8, with or without a byte order mark.

    Args:
        path: text file to read.
        remedy: advice for the message where the file cannot be read.

    Raises:
        UserError: the file cannot be read, is too large, or is no text in UTF-8.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would never end
            raise UserError(f'{path}: no file; a list is a text file with an image per line')
        if status.st_size > MAX_BYTES:
            raise UserError(
                f'{path}: {status.st_size >> 20:,} MiB are no list of images; at most '
                f'{MAX_BYTES >> 20} are read'
            )
        return path.read_text(encoding='utf-8-sig').splitlines()
    except OSError as error:
        raise UserError(f'{path}: cannot be read ({error.strerror}). {remedy}') from None
    except UnicodeDecodeError as error:
        raise UserError(
            f'{path}: no text in UTF-8 (byte {error.start} is {error.object[error.start]:#x}); '
            'save it as UTF-8'
        ) from None


def refuse_doubles(names: Sequence[str], path: Path) -> None:
    """Refuse a list that names an image twice: it would count twice.

    Raises:
        UserError: a name comes twice; the message has the first such name.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UserError(f'{path}: {name[:80]!r} is listed twice; remove one of the lines')
        seen.add(name)


def refuse_overlap(lists: Mapping[str, Sequence[str]], folder: Path) -> None:
    """Refuse lists that share an image: one split would be measured with what another learned.

    Args:
        lists: name of the file -> names of its images.
        folder: folder of the files, for the message.

    Raises:
        UserError: two lists share images; the message has both lists and some of the images.
    """
    owner: dict[str, str] = {}
    for file, names in lists.items():
        for other in lists:
            shared = [name for name in names if owner.get(name) == other]
            if shared:
                raise UserError(
                    f'{folder}: {len(shared)} images are in {other} and in {file}: '
                    f'{some(shared)}; an image belongs into one of them'
                )
        owner |= dict.fromkeys(names, file)


def some(names: Sequence[str]) -> str:
    """Return the first three names, with dots where there are more.

    They are quoted, so that line ends and bytes that are no text stay on one line.
    """
    shown = [repr(name[:80]) for name in names[:3]]
    return ', '.join(shown) + (', ...' if len(names) > 3 else '')
