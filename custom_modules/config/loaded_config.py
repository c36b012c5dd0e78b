"""What loading a config gives: what is built from, and what the user wrote."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..base.stopping import signals_wait
from .differences import as_data
from .layers import Layer


@dataclass(frozen=True)
class LoadedConfig:
    """A config, checked. What needs values alone takes ``resolved``, as MMEngine's Config.

    Attributes:
        path: config file that was loaded.
        resolved: config with its variables put in; everything is built from it.
        written: config with all ``_base_`` and ``--cfg-options`` merged but the variables still in
            place, so that it can be loaded and overridden again.
        layers: values that each file and option set, in the order in which they were merged.
    """

    path: Path
    resolved: Config
    written: dict[str, Any]
    layers: tuple[Layer, ...]

    @property
    def data(self) -> dict[str, Any]:
        """``written`` as JSON holds it."""
        return as_data(self.written)

    @cached_property
    def text(self) -> str:
        """``written`` as the Python of a config file."""
        # MMEngine takes whatever ends its formatter for a fault of the config, signals too.
        with signals_wait():
            return Config(self.written).pretty_text
