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
from .structure import NO_STRUCTURE, Structure, solid_colours, structure_of
from .view import Place, View, grey_of, packed, view_of

#: Colours of one file that are counted one by one; more are rounded to 5 bits.
EXACT_COLOURS = 256


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
        values: (n,) int32, the different values in rising order; colours as 0xRRGGBB.
        counts: (n,) uint32, how many pixels have each.
        border: (n,) uint32, how many pixels of the picture's four edges have each.
        read_as: (n,) what LoadMask reads for each value, or None if it refuses the file.
        solid: (n,) uint32, how many pixels of each colour lie in areas; all where there are no
            more than two colours.
        structure: how its values lie, if there are 3 or more that are no colours.
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
    solid: np.ndarray
    structure: Structure
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
    structure, solid = NO_STRUCTURE, counts
    if values.size > 2 and plain is not None:
        structure = structure_of(plain)
    elif values.size > 2:
        solid = solid_colours(numbers, values)
    return Look(
        path=path,
        size=(int(numbers.shape[0]), int(numbers.shape[1])),
        image=image.size,
        kind=Kind(view.place, view.wide, stored.jpeg),
        values=values,
        counts=counts,
        border=_at_the_edges(numbers, values),
        read_as=None if rounded else _read_as(stored, view, values),
        solid=solid,
        structure=structure,
        palette=_palette(stored, values) if view.place == 'indices' else None,
        rounded=rounded,
    )


def count(numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different numbers in rising order, int32, and how often each is there, uint32."""
    if numbers.dtype == np.uint8 and numbers.size < 1 << 24:  # as its 32-bit floats can count
        # Ten times faster than bincount, which makes 64-bit numbers of its input.
        found = cv2.calcHist([numbers], [0], None, [256], [0, 256]).ravel()
        values, low = np.flatnonzero(found), 0
    elif (low := int(numbers.min())) + (1 << 16) > int(numbers.max()):
        found = np.bincount((numbers - low).ravel())
        values = np.flatnonzero(found)
    else:
        values, counts = np.unique(numbers, return_counts=True)
        return values.astype(np.int32), counts.astype(np.uint32)
    return (values + low).astype(np.int32), found[values].astype(np.uint32)


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
    border = np.zeros(values.size, np.uint32)
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
    if np.array_equal(view.values, read):
        return values
    if view.values.dtype != np.uint8:
        return None
    table = np.zeros(256, np.uint8)
    table[view.values.ravel()] = read.ravel()
    return table[values] if (table[view.values] == read).all() else None


def _palette(stored: StoredMask, values: np.ndarray) -> np.ndarray:
    assert stored.palette is not None
    return packed(stored.palette[values, :3])
