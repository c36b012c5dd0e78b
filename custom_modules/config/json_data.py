"""Untrusted configs as JSON: read within bounds tighter than those of results."""

from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..base.json_file import MAX_DEPTH, MAX_INTEGER, parse_json, read_text

#: A config has some kilobytes.
LARGEST_FILE = 256 * 1024
MOST_VALUES = 20_000
LONGEST_TEXT = 4_096


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        UserError: the file cannot be read, is no JSON, or goes beyond the bounds of this module:
            bytes, values, depth, length of a text, size of a number; NaN and infinity are refused.
    """
    text = read_text(path, LARGEST_FILE)
    try:
        value = parse_json(text)
        check_bounds(value)
    except ValueError as error:
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
        if depth > MAX_DEPTH:
            raise ValueError(f'nested more than {MAX_DEPTH} deep')
        if isinstance(item, dict):
            waiting += [(key, depth) for key in item]
            waiting += [(inner, depth + 1) for inner in item.values()]
        elif isinstance(item, list):
            waiting += [(inner, depth + 1) for inner in item]
        elif isinstance(item, str) and len(item) > LONGEST_TEXT:
            raise ValueError(f'a text of {len(item):,} characters, at most {LONGEST_TEXT:,}')
        elif isinstance(item, int | float) and not abs(item) <= MAX_INTEGER:
            raise ValueError('a number beyond 2**53')
