"""What differs between two configs."""

import math
from collections.abc import Iterator
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


def differences(old: Any, new: Any, place: str = '') -> Iterator[tuple[str, Any, Any]]:
    """Yield the dotted place, the old and the new value of everything that differs."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from differences(
                old.get(key, ABSENT), new.get(key, ABSENT), f'{place}.{key}' if place else key
            )
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, pair in enumerate(zip(old, new, strict=True)):
            yield from differences(*pair, f'{place}.{index}')
    elif old != new:
        yield place, old, new
