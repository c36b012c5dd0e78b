"""Annotations that are no masks: polygons and run lengths as tools for drawing them write them."""

from .found import Annotations
from .reading import read_annotations

__all__ = ['Annotations', 'read_annotations']
