"""What ``tools/print_config.py`` does."""

import keyword
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..config import LoadedConfig
from ..config.line import written_place
from ..config.origins import Origin, origins
from ..config.written import first_line

#: The longest line of code before a comment. A dict or list that is shorter, and all of one file,
#: stands on one line; a text that is longer moves its own comment alone.
LONGEST = 64

#: The longest value of a variable that a comment repeats where the variable is used.
SHORT = 30

_LEGEND = (
    "# Beside a value: the file that sets it; of a variable, '$name', also what it stands for."
)


def annotated(config: LoadedConfig) -> str:
    """Return the merged config as Python, beside each value the file that it comes from.

    The text is a config: it loads to the same values, in the same order. Where a value is a
    variable, the comment names the file of the line, then the variable's value and its file.
    """
    tree = origins(config.layers)

    def comment(origin: Origin) -> str:
        value = origin.value
        if not (isinstance(value, str) and value[:1] == '$' and value[1:] in tree):
            return origin.source
        (name,) = written_place(config.written, value[1:])
        sources, code = {leaf.source for leaf in _leaves(tree[name])}, _code(tree[name])
        if len(sources) > 1 or len(code) > SHORT:
            return origin.source
        source = sources.pop()
        return f'{origin.source}; {code}' + (f' from {source}' * (source != origin.source))

    lines = [
        line for key in config.written for line in _lines(f'{key} = ', tree[key], '', '', comment)
    ]
    width = max((len(code) for code, note in lines if note and len(code) <= LONGEST), default=0)
    text = [f'{code:{width}}  # {_printable(note)}' if note else code for code, note in lines]
    return '\n'.join([_printable(first_line(config)), _LEGEND, *text]) + '\n'


def _lines(
    start: str, value: Any, end: str, indent: str, comment: Callable[[Origin], str]
) -> Iterator[tuple[str, str]]:
    """Yield the lines of a value, each as its code and its comment, which may be empty."""
    line = f'{indent}{start}{_code(value)}{end}'
    comments = {comment(leaf) for leaf in _leaves(value)}
    if isinstance(value, Origin) or (len(comments) == 1 and len(line) <= LONGEST):
        yield line, comments.pop()
        return
    opening, items, closing = _parts(value)
    yield f'{indent}{start}{opening}', ''
    for before, item in items:
        yield from _lines(before, item, ',', f'{indent}    ', comment)
    yield f'{indent}{closing}{end}', ''


def _code(value: Any) -> str:
    """Return a value on one line."""
    if not isinstance(value, Origin):
        opening, items, closing = _parts(value)
        code = ', '.join(f'{before}{_code(item)}' for before, item in items)
        alone = ',' if isinstance(value, tuple) and len(value) == 1 else ''
        return f'{opening}{code}{alone}{closing}'
    plain = value.value.item() if isinstance(value.value, np.generic) else value.value
    if isinstance(plain, float) and not math.isfinite(plain):
        return f"float('{plain}')"
    # Anything else, such as a Path, is text, as it is in what a run keeps.
    return repr(plain if type(plain).__module__ == 'builtins' else str(plain))


def _parts(value: dict | list | tuple) -> tuple[str, list[tuple[str, Any]], str]:
    """Return how a dict, list or tuple begins, its items with what is before each, how it ends."""
    if isinstance(value, list | tuple):
        opening, closing = '[]' if isinstance(value, list) else '()'
        return opening, [('', item) for item in value], closing
    if all(isinstance(key, str) and key.isidentifier() for key in value) and not any(
        keyword.iskeyword(key) for key in value
    ):
        return 'dict(', [(f'{key}=', item) for key, item in value.items()], ')'
    return '{', [(f'{key!r}: ', item) for key, item in value.items()], '}'


def _leaves(value: Any) -> Iterator[Origin]:
    if isinstance(value, Origin):
        yield value
    else:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)


def _printable(text: str) -> str:
    """Return a comment without what would end its line; the name of a file may hold anything."""
    return ''.join(mark if mark.isprintable() else ascii(mark)[1:-1] for mark in text)
