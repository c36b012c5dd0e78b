"""Where a config writes a value, and the line that sets it."""

from collections.abc import Mapping
from typing import Any

from .loaded_config import LoadedConfig


def written_place(written: Mapping[str, Any], place: str) -> list[str]:
    """Return the keys under which a config writes what it has at ``place``.

    Where variables lead there, they are those of the last one: ``learning_rate`` for
    ``optim_wrapper.optimizer.lr``, ``train_pipeline.3.prob`` for a step of the pipeline.

    Args:
        written: config with its variables still in place.
        place: dotted keys and indices in the resolved config, such as
            ``optim_wrapper.optimizer.lr``.
    """
    found: Any = written
    keys: list[str] = []
    for key in place.split('.'):
        keys.append(key)
        found = _inside(found, key)
        while isinstance(found, str) and found.startswith('$') and found[1:] in written:
            keys = [found[1:]]
            found = written[found[1:]]
    return keys


def _inside(value: Any, key: str) -> Any:
    if isinstance(value, Mapping):
        # A key of a config may be a number: widened={2: 512}.
        return next((item for name, item in value.items() if str(name) == key), None)
    if isinstance(value, list | tuple) and key.isdecimal() and int(key) < len(value):
        return value[int(key)]
    return None


def config_line(config: LoadedConfig, place: str, value: str) -> str:
    """Return the line to put into a config: ``learning_rate = 3.1e-4``.

    Where the config has a variable at ``place``, the line sets that; elsewhere it spells the dicts
    out: ``optim_wrapper = dict(optimizer=dict(lr=3.1e-4))``.

    Args:
        config: loaded config that the line is to change.
        place: dotted keys of the value to set, such as ``optim_wrapper.optimizer.lr``.
        value: new value, as Python writes it.
    """
    keys = written_place(config.written, place)
    for key in reversed(keys[1:]):
        value = f'dict({key}={value})'
    return f'{keys[0]} = {value}'
