"""COCO's JSON: polygons and run lengths of many images in one file."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from .areas import Area, Polygons, Runs
from .entry import Entry, Parsed, text_of
from .numbers import Size, points_of, run_lengths, size_of
from .splits import split_of_file

#: Super-categories that are none.
NO_PARENTS = ('', 'none', 'None')


def is_coco(data: Any) -> bool:
    """Say whether a JSON is COCO's."""
    return isinstance(data, Mapping) and all(
        isinstance(data.get(key), list) for key in ('images', 'annotations', 'categories')
    )


def read_coco(path: Path, file: PurePosixPath, data: Mapping[str, Any], parsed: Parsed) -> None:
    """Add what one JSON holds to ``parsed``.

    Args:
        path: the JSON, for messages.
        file: the JSON below the folder of the data.
        data: what it holds.
        parsed: receives entries and faults.
    """
    categories: dict[Any, str] = {}
    for number, category in enumerate(data['categories'], 1):
        with parsed.at(f'{path}: category {number}'):
            name = categories[category['id']] = text_of(category, 'name')
            parent = category.get('supercategory')
            if isinstance(parent, str) and parent not in NO_PARENTS:
                parsed.parents.setdefault(parent, []).append(name)
    entries: dict[Any, Entry] = {}
    for number, image in enumerate(data['images'], 1):
        with parsed.at(f'{path}: image {number}'):
            name, key = text_of(image, 'file_name'), image['id']
            if key in entries:
                raise ValueError(f'the id {key!r} comes twice')
            size = size_of(image['height'], image['width']) if 'height' in image else None
            where = f'{path}: image {key} ({name})'
            entries[key] = Entry(where, name, file.parent, size, split=split_of_file(file))
    for number, annotation in enumerate(data['annotations'], 1):
        where = f'{path}: annotation {number}'
        with parsed.at(where):
            if annotation['image_id'] not in entries:
                raise ValueError(f'there is no image with the id {annotation["image_id"]!r}')
            if annotation['category_id'] not in categories:
                raise ValueError(f'no category has the id {annotation["category_id"]!r}')
            entry = entries[annotation['image_id']]
            area = _area(annotation.get('segmentation'), entry.size)
            if area is None:
                parsed.boxes.append(where)
                continue
            if isinstance(area, Polygons) and not area.rings:
                parsed.leave_out('polygon of less than three points')
                continue
            entry.add(categories[annotation['category_id']], area)
            parsed.crowds += annotation.get('iscrowd') == 1
    parsed.entries += entries.values()


def _area(segmentation: Any, size: Size | None) -> Area | None:
    """Return polygons or run lengths, or None where there is neither."""
    if not segmentation:
        return None
    if isinstance(segmentation, Mapping):
        height, width = segmentation['size']
        own = size_of(height, width)
        if size is not None and own != size:
            raise ValueError(
                f'run lengths for {width} x {height} pixels, its image has {size[1]} x {size[0]}'
            )
        return Runs(run_lengths(segmentation['counts'], own), own, down=True)
    if not isinstance(segmentation, list):
        raise ValueError(f'a segmentation of the kind {type(segmentation).__name__}')
    rings = segmentation if isinstance(segmentation[0], list) else [segmentation]
    polygons = [points_of(ring, 'polygon') for ring in rings]
    return Polygons([ring for ring in polygons if len(ring) > 2])
