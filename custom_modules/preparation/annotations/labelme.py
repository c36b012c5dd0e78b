"""labelme's JSON: one beside each image."""

import base64
import binascii
import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from ...datasets.reading.formats import from_bytes
from .areas import Area, Ellipse, Picture, Polygons, box
from .entry import Entry, Parsed, text_of
from .numbers import points_of, size_of

#: Shapes that cover no area.
NO_AREAS = ('point', 'points', 'line', 'linestrip')


def is_labelme(data: Any) -> bool:
    """Say whether a JSON is labelme's."""
    return (
        isinstance(data, Mapping) and isinstance(data.get('shapes'), list) and 'imagePath' in data
    )


def read_labelme(path: Path, file: PurePosixPath, data: Mapping[str, Any], parsed: Parsed) -> None:
    """Add the one image of a JSON to ``parsed``; the arguments are those of ``read_coco``."""
    with parsed.at(str(path)):
        size = None
        if data.get('imageHeight') is not None and data.get('imageWidth') is not None:
            size = size_of(data['imageHeight'], data['imageWidth'])
        embedded = path if data.get('imageData') else None
        name = text_of(data, 'imagePath')
        entry = Entry(str(path), name, file.parent, size, embedded=embedded)
        groups = set()
        for number, shape in enumerate(data['shapes'], 1):
            with parsed.at(f'{path}: shape {number}'):
                category = text_of(shape, 'label')
                area = _area(shape, parsed)
                if area is not None:
                    group = (category, str(shape.get('group_id')))
                    grouped = shape.get('group_id') is not None
                    entry.add(category, area, new=not grouped or group not in groups)
                    groups.add(group)
        parsed.entries.append(entry)


def embedded_image(data: Mapping[str, Any]) -> bytes:
    """Return the bytes of the image that a JSON holds.

    Raises:
        ValueError: it holds none.
    """
    return _base64(data.get('imageData'), 'imageData')


def _area(shape: Mapping[str, Any], parsed: Parsed) -> Area | None:
    kind = shape.get('shape_type') or 'polygon'
    if kind in NO_AREAS:
        parsed.leave_out(kind)
        return None
    points = points_of(shape['points'], 'points')
    if kind == 'rectangle' and len(points) == 2:
        (left, top), (right, bottom) = points.min(0), points.max(0)
        return box(left, top, right, bottom)
    if kind == 'circle' and len(points) == 2:
        radius = math.dist(*points)
        if not radius:
            raise ValueError('a circle without a radius')
        return Ellipse((points[0, 0], points[0, 1]), (radius, radius))
    if kind == 'mask' and len(points) == 2:
        with from_bytes(_base64(shape.get('mask'), 'mask')) as picture:
            pixels = np.asarray(picture)
        if pixels.ndim != 2:
            raise ValueError('a mask of several channels')
        left, top = (int(side) for side in points.min(0))
        return Picture(pixels > 0, (top, left))
    if kind in ('polygon', 'rectangle') and len(points) > 2:
        return Polygons([points])
    raise ValueError(f'a {kind} of {len(points)} points')


def _base64(text: Any, what: str) -> bytes:
    if not isinstance(text, str):
        raise ValueError(f'{what} is no text')
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError(f'{what} is no picture in base64') from None
