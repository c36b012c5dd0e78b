"""Loading a config: inheritance by MMEngine, variables, and a check that nothing in it is dead."""

from .load import load_config

__all__ = ['load_config']
