"""Small annotated data sets, as tools for drawing them write them."""

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image

from custom_modules.preparation.annotations import Annotations, read_annotations
from custom_modules.preparation.answers import Answers

HEIGHT, WIDTH = 40, 60
NO_ANSWERS = Answers()

#: Corners of two rectangles, of which the outlines run through the outermost pixels.
ONE, TWO = (8, 6, 23, 19), (40, 20, 49, 31)

#: Attributes of a region.
LEAF_IN_VIA = dict(kind='leaf')

Corners = tuple[int, int, int, int]
Mask = np.ndarray
Content = Any


def filled(*areas: Corners, label: int = 255) -> Mask:
    """Return the mask of rectangles."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for left, top, right, bottom in areas:
        mask[top : bottom + 1, left : right + 1] = label
    return mask


def disc(x: float, y: float, across: float, down: float) -> Mask:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return (((columns - x) / across) ** 2 + ((rows - y) / down) ** 2 <= 1) * np.uint8(255)


def points(corners: Corners) -> list[list[int]]:
    left, top, right, bottom = corners
    return [[left, top], [right, top], [right, bottom], [left, bottom]]


def flat(corners: Corners) -> list[int]:
    return [number for point in points(corners) for number in point]


def runs(mask: Mask, down: bool = False) -> list[int]:
    """Return the run lengths of a mask, which does not begin with foreground."""
    line = (mask.T if down else mask).ravel() > 0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(int)))
    return np.diff(np.concatenate([[0], edges, [line.size]])).tolist()


def picture(mode: str = 'RGB', size: tuple[int, int] = (WIDTH, HEIGHT), exif: int = 1) -> bytes:
    file, tags = io.BytesIO(), Image.Exif()
    tags[ExifTags.Base.Orientation] = exif
    Image.new(mode, size).save(file, 'PNG', exif=tags)
    return file.getvalue()


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, 'PNG')
    return file.getvalue()


def coco(
    *segmentations: Any,
    images: tuple[str, ...] = ('a.png',),
    categories: tuple[str, ...] = ('leaf',),
    parent: str = 'none',
    **more: Any,
) -> dict:
    """Return COCO's JSON; a segmentation is that of the first image and category, or a dict."""
    annotations = []
    for segmentation in segmentations:
        whole = segmentation if 'segmentation' in segmentation else dict(segmentation=segmentation)
        annotations.append(dict(id=len(annotations), image_id=0, category_id=0) | whole)
    return (
        dict(
            images=[
                dict(id=n, file_name=name, height=HEIGHT, width=WIDTH)
                for n, name in enumerate(images)
            ],
            annotations=annotations,
            categories=[
                dict(id=n, name=name, supercategory=parent) for n, name in enumerate(categories)
            ],
        )
        | more
    )


def labelme(*shapes: dict, name: str = 'a.png', **more: Any) -> dict:
    every = [dict(label='leaf', group_id=None, shape_type='polygon') | shape for shape in shapes]
    return dict(imagePath=name, imageData=None, imageHeight=HEIGHT, imageWidth=WIDTH) | dict(
        shapes=every, **more
    )


def via(*shapes: dict, name: str = 'a.png', attributes: Any = LEAF_IN_VIA) -> dict:
    regions = [dict(shape_attributes=one, region_attributes=attributes) for one in shapes]
    return {f'{name}99': dict(filename=name, size=99, regions=regions, file_attributes={})}


def cvat(*shapes: str, name: str = 'a.png', extra: str = '') -> str:
    return (
        f'<?xml version="1.0"?>{extra}<annotations><version>1.1</version><image id="0" '
        f'name="{name}" width="{WIDTH}" height="{HEIGHT}">{"".join(shapes)}</image></annotations>'
    )


def yolo(corners: Corners, number: int = 0) -> str:
    words = [f'{x / WIDTH:.6f} {y / HEIGHT:.6f}' for x, y in points(corners)]
    return f'{number} {" ".join(words)}\n'


def via_polygon(corners: Corners) -> dict:
    x, y = zip(*points(corners), strict=True)
    return dict(name='polygon', all_points_x=x, all_points_y=y)


def cvat_polygon(corners: Corners, label: str = 'leaf', z: int = 0) -> str:
    text = ';'.join(f'{x:.2f},{y:.2f}' for x, y in points(corners))
    return f'<polygon label="{label}" z_order="{z}" points="{text}"/>'


def put(folder: Path, files: dict[str, Content]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(content, str | bytes):
            content = json.dumps(content)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def read_annotated(folder: Path, answers: Answers = NO_ANSWERS) -> Annotations | None:
    files = sorted(path for path in folder.rglob('*') if path.is_file())
    return read_annotations(folder, files, answers)
