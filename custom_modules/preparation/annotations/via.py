"""VGG Image Annotator's JSON, as annotations or as a whole project."""

import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from .areas import Area, Ellipse, Polygons, box
from .entry import UNNAMED, Entry, Parsed, text_of
from .numbers import number_of, numbers_of

PROJECT = '_via_img_metadata'

#: Shapes that cover no area.
NO_AREAS = ('point', 'polyline')


def is_via(data: Any) -> bool:
    """Say whether a JSON is VIA's."""
    if not isinstance(data, Mapping):
        return False
    images = data.get(PROJECT, data)
    return (
        isinstance(images, Mapping)
        and bool(images)
        and all(
            isinstance(image, Mapping) and 'filename' in image and 'regions' in image
            for image in images.values()
        )
    )


def read_via(path: Path, file: PurePosixPath, data: Mapping[str, Any], parsed: Parsed) -> None:
    """Add what one JSON holds to ``parsed``; the arguments are those of ``read_coco``."""
    for key, image in data.get(PROJECT, data).items():
        where = f'{path}: {key}'
        with parsed.at(where):
            entry = Entry(where, text_of(image, 'filename'), file.parent)
            regions = image['regions']  # a list; a dict in its first version
            regions = [*regions.values()] if isinstance(regions, Mapping) else regions
            for number, region in enumerate(regions, 1):
                with parsed.at(f'{where}: region {number}'):
                    area = _area(region['shape_attributes'], parsed)
                    if area is not None:
                        entry.add(_category(region.get('region_attributes') or {}), area)
            parsed.entries.append(entry)


def _category(attributes: Mapping[str, Any]) -> str:
    """Return the value of the attribute that a region has, or of all if they are several."""
    values = {}
    for name, value in attributes.items():
        if isinstance(value, Mapping):  # boxes that can be ticked
            value = '+'.join(choice for choice, ticked in value.items() if ticked)
        if str(value).strip():
            values[name] = str(value).strip()
    if len(values) == 1:
        return next(iter(values.values()))
    return ', '.join(f'{name}={value}' for name, value in values.items()) or UNNAMED


def _area(shape: Mapping[str, Any], parsed: Parsed) -> Area | None:
    kind = shape['name']
    if kind in NO_AREAS:
        parsed.leave_out(kind)
        return None
    if kind == 'polygon':
        x, y = (numbers_of(shape[key], key) for key in ('all_points_x', 'all_points_y'))
        if x.size != y.size or x.size < 3:
            raise ValueError(f'a polygon of {x.size} x and {y.size} y')
        return Polygons([np.stack([x, y], 1)])
    if kind == 'rect':
        left, top = number_of(shape, 'x'), number_of(shape, 'y')
        right = left + number_of(shape, 'width')
        return box(left, top, right, top + number_of(shape, 'height'))
    if kind in ('circle', 'ellipse'):
        keys = ('r', 'r') if kind == 'circle' else ('rx', 'ry')
        axes = number_of(shape, keys[0]), number_of(shape, keys[1])
        if min(axes) <= 0:
            raise ValueError(f'a {kind} without a radius')
        turn = math.degrees(number_of(shape, 'theta')) if 'theta' in shape else 0.0
        return Ellipse((number_of(shape, 'cx'), number_of(shape, 'cy')), axes, turn)
    raise ValueError(f'a shape of the unknown kind {kind!r}')
