"""What one mask holds: read once, counted, and forgotten but for a few numbers."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from ...base.errors import UserError
from ...datasets.image_io import Orientation, read_stored_mask
from ...datasets.reading.mask_values import mask_values
from ...datasets.reading.stored_mask import StoredMask
from .view import Place, View, grey_of, packed, view_of

#: Colours of one file that are counted one by one; more are rounded to 5 bits.
EXACT_COLOURS = 256

#: Side of the square that does not fit into an outline, in pixels; Pascal VOC's are 5 wide.
WIDER_THAN_OUTLINES = 7

#: What data sets often write for pixels that do not count.
VOID = 255

WHITE, WIDE_WHITE = 255, 65_535

#: Part of the range that noise of a compression moves black and white by.
NEARLY = 1 / 16

#: Distance of the pixels that are compared to find areas of one value, in pixels.
NEAR = 3


class Kind(NamedTuple):
    """Masks of one kind are understood by one rule."""

    place: Place
    wide: bool
    jpeg: bool


@dataclass(frozen=True)
class Look:
    """What is kept of one mask.

    Attributes:
        path: the mask's file.
        size: (H, W) in pixels.
        image: (H, W) of its upright image, in pixels.
        kind: where the classes are and how they are stored.
        values: (n,) int64, the different values in rising order; colours as 0xRRGGBB.
        counts: (n,) int64, how many pixels have each.
        border: (n,) int64, how many pixels of the picture's four edges have each.
        read_as: (n,) what LoadMask reads for each value, or None if it refuses the file.
        outline: pixels of the value 255 that lie in lines, if other values are there too.
        flat: pixels between black and white in areas of one value; counted for 3 values or more.
        parts: connected areas of one value above 0; counted for 3 values or more.
        palette: (n,) colours of the values where these are indices, 0xRRGGBB.
        rounded: whether the colours were so many that they are rounded to 5 bits.
    """

    path: Path
    size: tuple[int, int]
    image: tuple[int, int]
    kind: Kind
    values: np.ndarray
    counts: np.ndarray
    border: np.ndarray
    read_as: np.ndarray | None
    outline: int
    flat: int
    parts: int
    palette: np.ndarray | None
    rounded: bool


def look(path: Path, image: Orientation, colours_count: bool = False) -> Look:
    """Read one mask and count what is in it.

    Args:
        path: the mask's file.
        image: how the image lies, for which the mask was drawn.
        colours_count: whether the colours of a palette are counted and not its indices.

    Raises:
        UserError: the file cannot be read, or holds no classes.
    """
    stored = read_stored_mask(path, image)
    try:
        view = view_of(stored, colours_count)
    except UserError as error:
        raise UserError(f'{path}: {error}') from None
    numbers, rounded = view.values, False
    if view.place == 'colours':
        numbers, rounded = _few_colours(numbers)
    values, counts = count(numbers)
    plain = _without_colours(numbers, values) if view.place == 'colours' else numbers
    outline, flat, parts = _structure(plain) if values.size > 2 and plain is not None else (0, 0, 0)
    return Look(
        path=path,
        size=(int(numbers.shape[0]), int(numbers.shape[1])),
        image=image.size,
        kind=Kind(view.place, view.wide, stored.jpeg),
        values=values,
        counts=counts,
        border=_at_the_edges(numbers, values),
        read_as=None if rounded else _read_as(stored, view, values),
        outline=outline,
        flat=flat,
        parts=parts,
        palette=_palette(stored, values) if view.place == 'indices' else None,
        rounded=rounded,
    )


def count(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different numbers in rising order, and how often each is there."""
    low, high = int(numbers.min()), int(numbers.max())
    if high - low < 1 << 16:
        found = np.bincount((numbers - low).ravel())
        values = np.flatnonzero(found)
        return values + low, found[values]
    values, counts = np.unique(numbers, return_counts=True)
    return values.astype(np.int64), counts


def _channels(numbers: np.ndarray) -> np.ndarray:
    return np.stack([numbers >> 16 & 255, numbers >> 8 & 255, numbers & 255], -1).astype(np.uint8)


def _few_colours(numbers: np.ndarray) -> tuple[np.ndarray, bool]:
    """Round colours to the middle of 8 levels if there are many."""
    if Image.fromarray(_channels(numbers)).getcolors(EXACT_COLOURS) is not None:
        return numbers, False
    return numbers & 0xF8F8F8 | 0x040404, True


def _without_colours(numbers: np.ndarray, values: np.ndarray) -> np.ndarray | None:
    """Return the grey levels of 0xRRGGBB, (H, W) uint8, or None if one is no grey."""
    if grey_of(values) is None:
        return None
    return (numbers & 255).astype(np.uint8)


def _at_the_edges(numbers: np.ndarray, values: np.ndarray) -> np.ndarray:
    edges = np.concatenate([numbers[0], numbers[-1], numbers[1:-1, 0], numbers[1:-1, -1]])
    found, counts = np.unique(edges, return_counts=True)
    border = np.zeros(values.size, np.int64)
    border[np.searchsorted(values, found)] = counts
    return border


def _read_as(stored: StoredMask, view: View, values: np.ndarray) -> np.ndarray | None:
    """Return what LoadMask reads for each value, or None where it is no function of them."""
    try:
        read = mask_values(stored)
    except UserError:
        return None
    if view.place == 'colours':
        return values & 255 if (view.values & 255 == read).all() else None
    if view.values.dtype != np.uint8:
        return None
    table = np.zeros(256, np.uint8)
    table[view.values.ravel()] = read.ravel()
    return table[values] if (table[view.values] == read).all() else None


def _in_lines(void: np.ndarray) -> int:
    """Return how many pixels of an area are in no square of ``WIDER_THAN_OUTLINES``."""
    area = void.astype(np.uint8)
    square = np.ones((WIDER_THAN_OUTLINES, WIDER_THAN_OUTLINES), np.uint8)
    wide = cv2.morphologyEx(area, cv2.MORPH_OPEN, square)
    return int(area.sum() - wide.sum())


def _structure(plain: np.ndarray) -> tuple[int, int, int]:
    """Return ``Look.outline``, ``flat`` and ``parts`` of (H, W) numbers."""
    return _in_lines(plain == VOID), _in_the_middle(plain), _parts(plain)


def _in_the_middle(numbers: np.ndarray) -> int:
    """Return how many pixels that are neither black nor white lie in areas of one value.

    Their neighbours ``NEAR`` to the right and below have their value: pixels of classes do, but
    not those of a soft edge.
    """
    top = WIDE_WHITE if numbers.max() > WHITE else WHITE
    plain = numbers.astype(np.int32)
    here = plain[:-NEAR, :-NEAR]
    below, right = plain[NEAR:, :-NEAR], plain[:-NEAR, NEAR:]
    same = (np.abs(here - below) <= top // WHITE) & (np.abs(here - right) <= top // WHITE)
    return int((same & between(here, top)).sum())


def between(numbers: np.ndarray, top: int) -> np.ndarray:
    """Say of each number whether it is neither nearly black nor nearly white."""
    return (numbers > top * NEARLY) & (numbers < top * (1 - NEARLY))


def _parts(numbers: np.ndarray) -> int:
    """Return the number of connected areas of one value above 0, without their edges."""
    inner = numbers > 0
    inner[:, 1:] &= numbers[:, 1:] == numbers[:, :-1]
    inner[1:] &= numbers[1:] == numbers[:-1]
    return int(cv2.connectedComponents(inner.astype(np.uint8), connectivity=4)[0]) - 1


def _palette(stored: StoredMask, values: np.ndarray) -> np.ndarray:
    assert stored.palette is not None
    return packed(stored.palette[values, :3])
