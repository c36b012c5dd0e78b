"""What masks of any kind mean: classes, colours, opacity, soft edges, noise, objects."""

from .find import find_rule
from .rule import MaskRule

__all__ = ['MaskRule', 'find_rule']
