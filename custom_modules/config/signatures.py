"""Which keyword arguments a class of a config takes."""

import inspect
from collections.abc import Callable


def parameters(target: Callable | None) -> set[str] | None:
    """Return the keyword arguments ``target`` takes, or None if it takes any.

    ``**kwargs`` of a class go on to the next class that has an ``__init__`` of its own.
    """
    if target is None:
        return set()
    steps: list[Callable] = [target]
    if inspect.isclass(target):
        steps = [c.__init__ for c in target.__mro__ if '__init__' in vars(c)]  # type: ignore[misc]
    names: set[str] = set()
    for step in steps:
        try:
            found = inspect.signature(step).parameters.values()
        except (TypeError, ValueError):
            return None
        names |= {p.name for p in found if p.kind in (p.KEYWORD_ONLY, p.POSITIONAL_OR_KEYWORD)}
        if not any(p.kind is p.VAR_KEYWORD for p in found):
            return names - {'self'}
    return None
