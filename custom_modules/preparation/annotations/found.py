"""Annotations of a folder, with a mask for each image."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...base.errors import UserError
from ...base.json_file import parse_json, read_text
from ...datasets.image_io import Orientation
from ...datasets.reading.orientation import UPRIGHT, mask_like_image
from ..mask_kinds.labels import BACKGROUND
from .entry import Entry
from .labelme import embedded_image
from .numbers import MAX_BYTES


@dataclass(frozen=True)
class Annotations:
    """What was drawn on the images of a folder.

    Attributes:
        format: 'COCO', 'labelme', 'CVAT', 'VIA' or 'YOLO'.
        images: annotated images, sorted. One that is in an annotation file alone has the path where
            it would lie.
        categories: category -> number of objects; those without objects are left out.
        notes: lines about what was found.
        splits: image -> 'train', 'val' or 'test', where annotation files or folders say so.
        embedded: image -> annotation file that holds it, for those that lie nowhere else.
        entries: image -> what was drawn on it.
        labels: category -> label of its pixels; others are not painted.
        orientations: image -> how it lies in its file.
    """

    format: str
    images: list[Path]
    categories: dict[str, int]
    notes: list[str]
    splits: dict[Path, str]
    embedded: dict[Path, Path]
    entries: dict[Path, Entry] = field(repr=False)
    labels: dict[str, int]
    orientations: dict[Path, Orientation] = field(repr=False)

    def mask(self, image: Path) -> np.ndarray:
        """Return the mask of an image, (H, W) uint8: 0 background, 255 foreground, 127 ignored.

        What was drawn later, or above, covers what was drawn before.

        Args:
            image: one of ``images``.
        """
        entry, orientation = self.entries[image], self.orientations[image]
        canvas = np.full(entry.size or orientation.size, BACKGROUND, np.uint8)
        for drawn in sorted(entry.drawn, key=lambda one: one.order):
            if drawn.category in self.labels:
                drawn.area.paint(canvas, self.labels[drawn.category])
        if canvas.shape == orientation.size:  # drawn on the upright image, as today's tools show it
            return canvas
        return np.ascontiguousarray(
            mask_like_image(canvas, UPRIGHT, orientation.size, orientation.exif)
        )

    def image_bytes(self, image: Path) -> bytes:
        """Return the file of an image of ``embedded``, to be written where it can be read.

        Raises:
            UserError: the annotation file cannot be read.
        """
        return read_embedded(self.embedded[image])


def read_embedded(path: Path) -> bytes:
    """Return the file of the image that an annotation file holds.

    Raises:
        UserError: the annotation file cannot be read.
    """
    try:
        return embedded_image(
            parse_json(read_text(path, MAX_BYTES).removeprefix('\ufeff'), max_bytes=MAX_BYTES)
        )
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f'{path}: cannot be read ({error})') from None
