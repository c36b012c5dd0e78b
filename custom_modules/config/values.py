"""No value of a config gets past here that its kind does not allow (see ranges.py)."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..base.errors import UserError
from ..base.kinds import Kind, refuse
from .annotations import annotated_kinds
from .line import written_place
from .ranges import RANGES


def check_values(
    place: str,
    values: Mapping[str, Any],
    classes: Sequence[Callable],
    written: Mapping[str, Any],
    source: str,
) -> None:
    """Check the values of one dict of a resolved config.

    Args:
        place: dotted keys of the dict, such as ``optim_wrapper.optimizer``; '' is the whole config.
        values: dict to check.
        classes: classes and functions that the dict's ``type`` may name; their annotations say what
            is allowed.
        written: whole config with its variables still in place; messages name them.
        source: config file's path, for messages.

    Raises:
        UserError: a value is not allowed; the message names the variable or the place, the value
            and what is allowed.
    """
    for key, value in values.items():
        inside = f'{place}.{key}' if place else str(key)
        for kind in _kinds(place, str(key), classes):
            if not kind.allows(value):
                _refuse(inside, value, f'use {kind}', written, source)
        for where, number in _numbers(value, inside):
            if math.isnan(number):
                _refuse(where, number, 'it is no number', written, source)


def _kinds(place: str, key: str, classes: Sequence[Callable]) -> Iterator[Kind]:
    """Yield what a value has to be: of its place, of the classes it may be for.

    Of several classes of one name (a layer, a hook), the first that knows the argument counts.
    """
    words = [word for word in place.split('.') if not word.isdecimal()] or ['']
    role = 'dataloader' if words[-1].endswith('_dataloader') else words[-1]
    of_place = RANGES.get(role, {}).get(key)
    for target in classes:
        for step in getattr(target, '__mro__', ()):
            kind = RANGES.get(step.__name__, {}).get(key)
            if kind:
                yield kind
                return
    if of_place:
        yield of_place
        return
    for target in classes:
        kind = annotated_kinds(target).get(key)
        if kind:
            yield kind
            return


def _numbers(value: Any, place: str) -> Iterator[tuple[str, float]]:
    """Yield the floats of a value, and of lists in it; dicts are looked at on their own."""
    if isinstance(value, float):
        yield place, value
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _numbers(item, f'{place}.{index}')


def _refuse(place: str, value: Any, remedy: str, written: Mapping[str, Any], source: str) -> None:
    try:
        refuse('.'.join(written_place(written, place)), value, remedy)
    except UserError as error:
        raise UserError(f'{source}: {error}') from None
