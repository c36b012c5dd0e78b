"""Which keyword arguments a class of a config takes."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any


def parameters(target: Callable | None) -> set[str] | None:
    """Return the keyword arguments ``target`` takes, or None if it takes any.

    ``**kwargs`` of a class go on to the next class that has an ``__init__`` of its own, if it hands
    them there; a class that gives them to something else, such as timm's models, takes any.
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
        if not _hands_on(step):
            return None
    return None


def defaults(target: Callable | None) -> dict[str, Any]:
    """Return the arguments of a class that a config may leave out, with what they then are."""
    if target is None:
        return {}
    found = inspect.signature(target).parameters.values()
    return {one.name: one.default for one in found if one.default is not one.empty}


def _hands_on(step: Callable) -> bool:
    """Say whether an ``__init__`` calls another one with ``**kwargs``; True where nobody knows."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(step)))
    except (OSError, SyntaxError, TypeError):
        return True
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return any(
        isinstance(call.func, ast.Attribute)
        and call.func.attr == '__init__'
        and any(keyword.arg is None for keyword in call.keywords)
        for call in calls
    )
