"""Loading a config: inheritance by MMEngine, variables, and a check that nothing in it is dead."""

from .load import load_config
from .loaded_config import LoadedConfig, own_copy

__all__ = ['LoadedConfig', 'load_config', 'own_copy']
