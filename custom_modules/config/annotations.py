"""Kinds of values from the types that a signature gives its arguments."""

import types
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from ..base.kinds import ANY_NUMBER, FLAG, NONE, PART, TEXT, Choice, Kind, Several, either, integer

_SIMPLE: dict[Any, Kind] = {
    bool: FLAG,
    int: integer(),
    float: ANY_NUMBER,
    str: TEXT,
    dict: PART,
    type(None): NONE,
}


@cache
def annotated_kinds(target: Callable) -> dict[str, Kind]:
    """Return the kinds of the arguments of a class of this project, of its bases' too.

    What others have annotated is not taken at its word: ``x: int = None`` is common.
    """
    kinds: dict[str, Kind] = {}
    for step in reversed(getattr(target, '__mro__', ())):
        if step.__module__.startswith('custom_modules.') and '__init__' in vars(step):
            for name, annotation in get_type_hints(step.__init__).items():
                kind = kind_of(annotation)
                if kind is not None and name != 'return':
                    kinds[name] = kind
    return kinds


def kind_of(annotation: Any) -> Kind | None:
    """Return the kind of what an annotation allows; None where it says nothing that is known here.

    A bare ``dict`` is a part of a config, with ``type``.
    """
    if annotation in _SIMPLE:
        return _SIMPLE[annotation]
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return Choice(arguments)
    if origin in (Union, types.UnionType):
        kinds = [kind_of(argument) for argument in arguments]
        return None if None in kinds else either(*(kind for kind in kinds if kind))
    if origin in (list, tuple, Sequence):
        kind = kind_of(arguments[0])
        one = len({argument for argument in arguments if argument is not ...}) == 1
        if kind is None or not one:
            return None
        fixed = origin is tuple and ... not in arguments
        return Several(kind, least=0, exactly=len(arguments) if fixed else None)
    return None
