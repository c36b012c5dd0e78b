"""Lists of images in text files."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError


def read_lines(path: Path, remedy: str) -> list[str]:
    """Return the lines of a text file in UTF-8, with or without a byte order mark.

    Args:
        path: of the file.
        remedy: what to do if it is not there, for the message.

    Raises:
        UserError: the file cannot be read or is no such text.
    """
    try:
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
        UserError: naming the first of them.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise UserError(f'{path}: {name!r} is listed twice; remove one of the lines')
        seen.add(name)
