"""JSON: read as data that anybody may have written, written so that every reader takes it."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .errors import UserError
from .whole_file import whole_file

#: Results of this project are below 100 kB; a file of this size still fits in memory as objects.
MAX_BYTES = 8 << 20

#: Brackets in brackets.
MAX_DEPTH = 24

#: Larger whole numbers are other ones in a reader that knows floats only (RFC 7493).
MAX_INTEGER = 2**53


def parse_json(
    text: str | bytes,
    allow_nan: bool = False,
    max_bytes: int = MAX_BYTES,
    check_numbers: bool = True,
) -> Any:
    """Return what a JSON text holds: strict JSON of numbers that a float can hold.

    Args:
        text: JSON text.
        allow_nan: whether NaN and Infinity are taken, which Python writes and which are no JSON.
        max_bytes: length of a text that is refused unread if it is exceeded.
        check_numbers: whether numbers that are too large are refused. Without it millions of
            numbers are read in a tenth of the time; the caller has to look at them.

    Raises:
        ValueError: the text is no JSON; it holds a number that is not finite or beyond
            ``MAX_INTEGER``, brackets deeper than ``MAX_DEPTH``, a key that is empty or comes twice,
            or half a character of UTF-16.
    """
    if len(text) > max_bytes:
        raise ValueError(f'{len(text):,} bytes, at most {max_bytes:,} are read')
    try:
        value = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_int=_integer if check_numbers else None,
            parse_float=_finite if check_numbers else None,
            parse_constant=float if allow_nan else _no_constant,
        )
    except RecursionError:
        raise ValueError(f'is nested more than {MAX_DEPTH} deep') from None
    _check(value)
    return value


def read_json(path: Path) -> Any:
    """Return what a JSON file holds, see ``parse_json``.

    Raises:
        UserError: there is no such file, it cannot be read, or ``parse_json`` refuses what is in
            it.
    """
    try:
        return parse_json(read_text(path))
    except ValueError as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f'{path}: cannot be read ({error})') from None


def read_text(path: Path, max_bytes: int = MAX_BYTES, errors: str = 'strict') -> str:
    """Return the text of a file in UTF-8.

    Args:
        path: text file to read, in UTF-8.
        max_bytes: size of the largest file that is read, in bytes.
        errors: what becomes of bytes that are no UTF-8: 'strict' refuses them; others as in
            ``bytes.decode``.

    Raises:
        UserError: there is no such file, it cannot be read, is too large, or is no text.
    """
    try:
        if not path.is_file():  # reading a pipe or a device may have no end
            raise UserError(f'{path}: there is no such file')
        with open(path, 'rb') as file:
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise UserError(f'{path}: cannot be read (more than {max_bytes:,} bytes)')
        return data.decode('utf-8', errors)
    except OSError as error:
        raise UserError(f'{path}: cannot be read ({error.strerror})') from None
    except UnicodeDecodeError as error:
        raise UserError(f'{path}: cannot be read ({error.reason}, so it is no text)') from None


def write_json(path: Path, values: Any, indent: int = 2) -> None:
    """Write values as strict JSON, whole or not at all.

    Raises:
        UserError: a number is not finite, which JSON cannot hold.
    """
    try:
        text = json.dumps(values, indent=indent, allow_nan=False)
    except ValueError:
        raise UserError(
            f'{path}: not written, because a number is not finite (NaN or infinity)'
        ) from None
    with whole_file(path) as file:
        file.write(text + '\n')


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError('a key comes twice')
    return found


def _integer(text: str) -> int:
    if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
        raise ValueError(f'the number {text[:20]} is too large')
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f'the number {text[:20]} is too large')
    return value


def _no_constant(name: str) -> float:
    raise ValueError(f'{name} is no number')


def _check(value: Any) -> None:
    """Raise ValueError where depth, keys or texts are not sound."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        texts = [item for item in level if isinstance(item, str)]
        texts += [key for item in level if isinstance(item, dict) for key in item]
        if '' in (key for item in level if isinstance(item, dict) for key in item):
            raise ValueError('a key is empty')
        for text in texts:
            text.encode()  # half a character of UTF-16 can be written in JSON and nowhere else
        level = [
            inner
            for item in level
            if isinstance(item, dict | list)
            for inner in (item.values() if isinstance(item, dict) else item)
            if isinstance(inner, dict | list | str)
        ]
        if not level:
            return
    raise ValueError(f'is nested more than {MAX_DEPTH} deep')
