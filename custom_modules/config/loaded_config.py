"""What loading a config gives: what is built from, and what the user wrote."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from mmengine.config import Config

from .differences import as_data
from .layers import Layer
from .python_text import python_text


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
        return python_text(self.written)


def own_copy(config: Config) -> Config:
    """Return a copy of a resolved config, for one runner to change.

    Its ``pretty_text``, which logs and every checkpoint take, is not formatted: that would be a
    quarter of a second each time.
    """
    return Config(config.to_dict(), filename=config.filename, format_python_code=False)
