"""JSON of strangers: read within bounds, so that no file makes a reader slow, deep or large."""

import json
import math
from pathlib import Path
from typing import Any

from ..errors import UserError

#: A config has some kilobytes.
LARGEST_FILE = 256 * 1024
LARGEST_NUMBER = 2**53
MOST_VALUES = 20_000
DEEPEST = 24
LONGEST_TEXT = 4_096


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        UserError: it cannot be read, is no JSON, or goes beyond the bounds of this module: bytes,
            values, depth, length of a text, size of a number; NaN and infinity are none.
    """
    try:
        with open(path, 'rb') as file:
            content = file.read(LARGEST_FILE + 1)
        if len(content) > LARGEST_FILE:
            raise ValueError(f'more than {LARGEST_FILE:,} bytes')
        value = json.loads(content.decode('utf-8'), parse_constant=_refuse, parse_float=_finite)
        check_bounds(value)
    except RecursionError:
        raise UserError(f'{path}: is nested more than {DEEPEST} deep') from None
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f'{path}: cannot be read as a config that is data ({reason})') from None
    return value


def check_bounds(value: Any) -> None:
    """Raise ValueError if a value goes beyond the bounds of this module."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    seen = 0
    while waiting:
        item, depth = waiting.pop()
        seen += 1
        if seen > MOST_VALUES:
            raise ValueError(f'more than {MOST_VALUES:,} values')
        if depth > DEEPEST:
            raise ValueError(f'nested more than {DEEPEST} deep')
        if isinstance(item, dict):
            waiting += [(key, depth) for key in item]
            waiting += [(inner, depth + 1) for inner in item.values()]
        elif isinstance(item, list):
            waiting += [(inner, depth + 1) for inner in item]
        elif isinstance(item, str) and len(item) > LONGEST_TEXT:
            raise ValueError(f'a text of {len(item):,} characters, at most {LONGEST_TEXT:,}')
        elif isinstance(item, int | float) and not abs(item) <= LARGEST_NUMBER:
            raise ValueError('a number beyond 2**53')


def _refuse(word: str) -> float:
    raise ValueError(f'{word} is no number')


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f'the number {text[:20]} is infinite')
    return number
