"""What the values of a file have to be, said as data: ``record(Dice=number(0, 1))``."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from .json_file import MAX_INTEGER

#: Raises ValueError if a value, at a place that has a name, is none that it takes.
Check = Callable[[Any, str], None]


def _refuse(value: object, place: str, wanted: str) -> None:
    shown = (
        f'{value!r:.40}' if isinstance(value, str | int | float | None) else type(value).__name__
    )
    raise ValueError(f'{place or "it"} is {shown}, not {wanted}')


def number(low: float = -math.inf, high: float = math.inf) -> Check:
    """Take finite numbers from ``low`` to ``high``."""
    limits = 'a finite number' if math.isinf(low) else f'a number from {low:g}'
    wanted = limits if math.isinf(high) else f'{limits} to {high:g}'

    def check(value: Any, place: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            _refuse(value, place, wanted)
        if not (math.isfinite(value) and low <= value <= high):
            _refuse(value, place, wanted)

    return check


def between(low: float, high: float) -> Check:
    """Take numbers greater than ``low`` and less than ``high``."""
    finite = number()

    def check(value: Any, place: str) -> None:
        finite(value, place)
        if not low < value < high:
            _refuse(value, place, f'a number between {low:g} and {high:g}')

    return check


def count(low: int = 0, high: int = MAX_INTEGER) -> Check:
    """Take whole numbers from ``low`` to ``high``."""

    def check(value: Any, place: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            _refuse(value, place, f'a whole number from {low:,} to {high:,}')

    return check


def text(longest: int = 1000) -> Check:
    """Take a line of text."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, str) or len(value) > longest or not value.isprintable():
            _refuse(value, place, f'a line of at most {longest:,} characters')

    return check


def one_of(*checks: Check) -> Check:
    """Take what any of the checks takes; the message is the last one's."""

    def check(value: Any, place: str) -> None:
        for index, one in enumerate(checks):
            try:
                return one(value, place)
            except ValueError:
                if index == len(checks) - 1:
                    raise
        return None

    return check


def nothing(value: Any, place: str) -> None:
    """Take None."""
    if value is not None:
        _refuse(value, place, 'null')


def anything(value: Any, place: str) -> None:
    """Take every value."""


def items(one: Check, length: int | None = None) -> Check:
    """Take a list whose items ``one`` takes, of ``length`` of them if that is given."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, list):
            _refuse(value, place, 'a list')
        if length is not None and len(value) != length:
            raise ValueError(f'{place} has {len(value):,} items, not {length}')
        for index, item in enumerate(value):
            one(item, f'{place}.{index}')

    return check


def mapping(one: Check) -> Check:
    """Take an object whose values ``one`` takes, under any names."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            _refuse(value, place, 'an object')
        for key, item in value.items():
            one(item, f'{place}.{key:.40}'.removeprefix('.'))

    return check


def record(required: Sequence[str] = (), **fields: Check) -> Check:
    """Take an object with the ``required`` keys, whose ``fields``, where they are there, fit.

    Other keys may be there.
    """

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            _refuse(value, place, 'an object')
        for key in required:
            if key not in value:
                raise ValueError(f'it lacks {f"{place}.{key}".removeprefix(".")!r}')
        for key, one in fields.items():
            if key in value:
                one(value[key], f'{place}.{key}'.removeprefix('.'))

    return check
