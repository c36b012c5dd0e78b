"""What differs between two configs."""

from collections.abc import Iterator
from typing import Any

from mmengine.config import Config

#: Stands for the value of a key that one of the configs does not have.
ABSENT = 'nothing'


def merged(config: Config) -> dict:
    """Return a config of ``load_config`` with its variables in place: a change is named once."""
    return Config.fromstring(config.text, '.py').to_dict()


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
