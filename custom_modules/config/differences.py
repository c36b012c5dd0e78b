"""What differs between two configs."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

#: Stands for the value of a key that one of the configs does not have.
ABSENT = 'nothing'


def as_data(value: Any) -> Any:
    """Return a value as JSON holds it: lists for tuples, keys as sorted texts, text for others."""
    if isinstance(value, dict):
        items = sorted(value.items(), key=lambda pair: str(pair[0]))
        return {str(key): as_data(item) for key, item in items}
    if isinstance(value, list | tuple):
        return [as_data(item) for item in value]
    plain = value is None or isinstance(value, bool | int | str)
    return value if plain or (isinstance(value, float) and math.isfinite(value)) else str(value)


def differences(
    old: Any, new: Any, place: str = '', variables: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Any, Any]]:
    """Yield the dotted place, the old and the new value of everything that differs.

    A key that one of them lacks and the other has as None is no difference: so are settings that
    came later than a run, which leaves them as they were.

    Args:
        old: config, or part of one, as ``as_data`` returns it; ``'$name'`` stands for a variable.
        new: config, or the same part of one, to compare with it.
        place: dotted place of the part; '' for whole configs.
        variables: values of the variables; None for the top-level keys of both.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        variables = {**old, **new} if variables is None else variables
        for key in {**old, **new}:
            if (key in old and key in new) or not _unset((old | new)[key], variables):
                pair = old.get(key, ABSENT), new.get(key, ABSENT)
                yield from differences(*pair, f'{place}.{key}' if place else key, variables)
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from differences(*pair, f'{place}.{index}', variables)
    elif old != new:
        yield place, old, new


def _unset(value: Any, variables: Mapping[str, Any]) -> bool:
    """Say whether a value is None, or a variable that is."""
    if isinstance(value, str) and value.startswith('$'):
        return variables.get(value[1:], ABSENT) is None
    return value is None
