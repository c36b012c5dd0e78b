"""The line of a config that sets a value."""

from typing import Any

from mmengine.config import Config

from .differences import merged


def config_line(config: Config, place: str, value: str) -> str:
    """Return the line to put into a config: ``learning_rate = 3.1e-4``.

    Where the config has a variable at ``place``, the line sets that; elsewhere it spells the dicts
    out: ``optim_wrapper = dict(optimizer=dict(lr=3.1e-4))``.

    Args:
        config: of ``load_config``.
        place: dotted keys, ``optim_wrapper.optimizer.lr``.
        value: as Python writes it.
    """
    written = merged(config)
    found: Any = written
    keys: list[str] = []
    for key in place.split('.'):
        keys.append(key)
        found = found.get(key) if isinstance(found, dict) else None
        while isinstance(found, str) and found.startswith('$'):
            keys = [found[1:]]
            found = written[found[1:]]
    for key in reversed(keys[1:]):
        value = f'dict({key}={value})'
    return f'{keys[0]} = {value}'
