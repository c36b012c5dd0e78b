"""A config as the text of a Python file, as its run keeps it."""

import math
from collections.abc import Mapping
from keyword import iskeyword
from typing import Any

#: What fits into this many characters stays in one line.
_WIDTH = 100
_INDENT = 4


def python_text(values: Mapping[str, Any]) -> str:
    """Return assignments that give ``values`` again, in the alphabetical order of their names.

    MMEngine's ``pretty_text`` says the same, through a formatter of any Python that takes a quarter
    of a second for a config.
    """
    return ''.join(
        f'{key} = {_text(value, 0, len(key) + 3)}\n' for key, value in sorted(values.items())
    )


def _text(value: Any, indent: int, column: int) -> str:
    """Return a value's text, in one line if it fits.

    Args:
        value: value of a config, or a part of one.
        indent: number of spaces before the line that the text begins in.
        column: number of characters before and after the text in a line of its own.
    """
    line = _line(value)
    left, items, right = _parts(value)
    if not items or column + len(line) <= _WIDTH:
        return line
    inner = indent + _INDENT
    lines = [
        f'{" " * inner}{name}{_text(item, inner, inner + len(name) + 1)},\n' for name, item in items
    ]
    return f'{left}\n{"".join(lines)}{" " * indent}{right}'


def _line(value: Any) -> str:
    left, items, right = _parts(value)
    inside = ', '.join(f'{name}{_line(item)}' for name, item in items)
    return f'{left}{inside}{"," if isinstance(value, tuple) and len(value) == 1 else ""}{right}'


def _parts(value: Any) -> tuple[str, list[tuple[str, Any]], str]:
    """Return how a value begins, what is in it, each with what comes before it, and its end."""
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: str(pair[0]))
        if all(isinstance(key, str) and _is_name(key) for key in value):
            return 'dict(', [(f'{key}=', item) for key, item in pairs], ')'
        return '{', [(f'{key!r}: ', item) for key, item in pairs], '}'
    if isinstance(value, list):
        return '[', [('', item) for item in value], ']'
    if isinstance(value, tuple):
        return '(', [('', item) for item in value], ')'
    return _plain(value), [], ''


def _is_name(key: str) -> bool:
    return key.isidentifier() and not iskeyword(key)


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, type):
        module = '' if value.__module__ == 'builtins' else f'{value.__module__}.'
        return f'{module}{value.__name__}'
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    return str(value)
