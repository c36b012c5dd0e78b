"""How the values of a mask lie: in lines, in areas, or on soft edges."""

from typing import NamedTuple

import cv2
import numpy as np

from .view import unpacked

#: What data sets often write for pixels that do not count.
VOID = 255

WHITE, WIDE_WHITE = 255, 65_535

#: Part of the range that noise of a compression moves black and white by.
NEARLY = 1 / 16

#: Side of the square that does not fit into an outline, in pixels; Pascal VOC's are 5 wide.
WIDER_THAN_OUTLINES = 7

#: A pixel's four neighbours, and how many of the pixels at an outline may touch 0 beside it.
CROSS = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
TOUCHING = 0.1

#: Distance of the pixels that are compared to find areas of one value, in pixels.
NEAR = 3

#: Largest difference of a channel inside of an area of one colour.
ALIKE = 24

#: With less of the grey pixels in areas of one value there are no objects to be counted.
AREAS = 0.1


class Structure(NamedTuple):
    """How the values of a mask lie.

    Attributes:
        lines: pixels of the value 255 that lie in lines between 0 and the other values.
        middle: pixels that are neither nearly black nor nearly white.
        flat: those of them in areas of one value.
        parts: connected areas of one value above 0; 0 where the grey pixels lie in no areas.
    """

    lines: int
    middle: int
    flat: int
    parts: int


NO_STRUCTURE = Structure(0, 0, 0, 0)


def structure_of(numbers: np.ndarray) -> Structure:
    """Return how (H, W) numbers lie, uint8 or int32."""
    top = WIDE_WHITE if numbers.max() > WHITE else WHITE
    middle = between(numbers, top)
    grey, flat = int(np.count_nonzero(middle)), _flat(numbers, middle, top)
    areas = flat >= AREAS * grey
    return Structure(_in_lines(numbers), grey, flat, _parts(numbers) if areas else 0)


def between(numbers: np.ndarray, top: int) -> np.ndarray:
    """Say of each number whether it is neither nearly black nor nearly white."""
    return (numbers > top * NEARLY) & (numbers < top * (1 - NEARLY))


def _in_lines(numbers: np.ndarray) -> int:
    """Return how many pixels of 255 are in no square of ``WIDER_THAN_OUTLINES``.

    None where other values touch 0 without 255 in between: then 255 is no outline, but a class
    that is thin, or the middle of a trimap.
    """
    void, empty = numbers == VOID, numbers == 0
    near_void, near_empty = (cv2.dilate(area.astype(np.uint8), CROSS) > 0 for area in (void, empty))
    classes = ~(void | empty)
    if np.count_nonzero(classes & near_empty) > TOUCHING * np.count_nonzero(classes & near_void):
        return 0
    square = np.ones((WIDER_THAN_OUTLINES, WIDER_THAN_OUTLINES), np.uint8)
    wide = cv2.morphologyEx(void.astype(np.uint8), cv2.MORPH_OPEN, square)
    return int(np.count_nonzero(void) - np.count_nonzero(wide))


def _flat(numbers: np.ndarray, middle: np.ndarray, top: int) -> int:
    """Return how many pixels in the middle have neighbours of their value, to right and below.

    Pixels of classes have them, those of a soft edge do not.
    """
    if min(numbers.shape) <= NEAR:
        return 0
    here = np.ascontiguousarray(numbers[:-NEAR, :-NEAR])
    one = top // WHITE
    below = cv2.absdiff(here, np.ascontiguousarray(numbers[NEAR:, :-NEAR])) <= one
    right = cv2.absdiff(here, np.ascontiguousarray(numbers[:-NEAR, NEAR:])) <= one
    return int(np.count_nonzero(below & right & middle[:-NEAR, :-NEAR]))


def _parts(numbers: np.ndarray) -> int:
    """Return the number of connected areas of one value above 0, without their edges."""
    inner = numbers > 0
    inner[:, 1:] &= numbers[:, 1:] == numbers[:, :-1]
    inner[1:] &= numbers[1:] == numbers[:-1]
    return int(cv2.connectedComponents(inner.astype(np.uint8), connectivity=4)[0]) - 1


def solid_colours(numbers: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return how many pixels of each colour lie in an area of about that colour.

    Args:
        numbers: (H, W) 0xRRGGBB.
        values: (n,) the colours that are there, in rising order.
    """
    solid = np.zeros(values.size, np.uint32)
    if min(numbers.shape) <= NEAR:
        return solid
    colours = unpacked(numbers)
    here = np.ascontiguousarray(colours[:-NEAR, :-NEAR])
    inside = np.ones(here.shape[:2], bool)
    for other in (colours[NEAR:, :-NEAR], colours[:-NEAR, NEAR:]):
        inside &= cv2.absdiff(here, np.ascontiguousarray(other)).max(axis=2) <= ALIKE
    found, counts = np.unique(numbers[:-NEAR, :-NEAR][inside], return_counts=True)
    solid[np.searchsorted(values, found)] = counts
    return solid
