"""Where each value of a config comes from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mmengine.config import Config

from .layers import Layer

#: Keeps the source of a dict or list in which there is nothing else to keep it.
_EMPTY = '_empty_'


@dataclass(frozen=True)
class Origin:
    """One value of a config that is neither dict nor list, and the layer that set it.

    Attributes:
        value: value as the config writes it.
        source: name of the layer that set the value: a file, or ``--cfg-options``; see ``Layer``.
    """

    value: Any
    source: str

    def __bool__(self) -> bool:
        """Whether the value is true: MMEngine asks that of ``_delete_``."""
        return bool(self.value)


def origins(layers: Sequence[Layer]) -> dict[str, Any]:
    """Return the merged config with an ``Origin`` in the place of each value.

    The layers are merged as the values were, by MMEngine, so that overridden keys, ``_delete_`` and
    options that reach into lists need no second set of rules.

    Args:
        layers: layers of a ``LoadedConfig``, in the order in which they are merged.

    Returns:
        Dicts, lists and tuples as those of the config. An empty one has the ``Origin`` of itself.
    """
    merged: dict[str, Any] = {}
    for layer in layers:
        values = {key: _marked(value, layer.source) for key, value in layer.values.items()}
        merged = Config._merge_a_into_b(values, merged, allow_list_keys=layer.file is None)
    return {key: _without_marks(value) for key, value in merged.items()}


def _marked(value: Any, source: str) -> Any:
    if isinstance(value, dict):
        marked = {key: _marked(item, source) for key, item in value.items()}
        return marked if marked.keys() - {'_delete_'} else marked | {_EMPTY: Origin({}, source)}
    if isinstance(value, list | tuple) and value:
        return type(value)(_marked(item, source) for item in value)
    return Origin(value, source)


def _without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_marks(item) for key, item in value.items() if key != _EMPTY}
        return kept or value[_EMPTY]
    if isinstance(value, list | tuple):
        return type(value)(_without_marks(item) for item in value)
    return value
