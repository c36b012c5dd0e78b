"""Numbers of annotation files, none of which is believed before it is looked at."""

from collections.abc import Mapping
from typing import Any

import numpy as np

#: Of an annotation file: that of all of COCO's training images is below.
MAX_BYTES = 512 << 20

#: Of a coordinate, in pixels: more than any picture has.
MAX_COORDINATE = 1_000_000

#: Of the pixels of one mask that is written as run lengths.
MAX_PIXELS = 178_956_970

#: (H, W) in pixels.
Size = tuple[int, int]


def numbers_of(values: Any, what: str) -> np.ndarray:
    """Return (n,) float64 of a list of numbers, flattened if it is one of pairs.

    Raises:
        ValueError: it is anything else, or a number is not finite or too large.
    """
    if not isinstance(values, list | tuple):
        raise ValueError(f'{what}: no list of numbers')
    try:
        found = np.array(values)
    except (ValueError, OverflowError):  # lists of different lengths, or lists in lists
        found = np.array(None)
    if found.size and found.dtype.kind not in 'iuf':
        raise ValueError(f'{what}: holds more than numbers, or pairs of them')
    found = found.astype(np.float64).ravel()
    if not (np.abs(found) <= MAX_COORDINATE).all():  # not a number is neither
        raise ValueError(f'{what}: a number is not within {MAX_COORDINATE:,} pixels')
    return found


def points_of(values: Any, what: str) -> np.ndarray:
    """Return (n, 2) float64 x and y of a list of numbers or pairs.

    Raises:
        ValueError: as ``numbers_of``, or their number is odd.
    """
    found = numbers_of(values, what)
    if found.size % 2:
        raise ValueError(f'{what}: {found.size} numbers are no pairs of x and y')
    return found.reshape(-1, 2)


def number_of(values: Mapping[str, Any], key: str) -> float:
    """Return a number of a dict.

    Raises:
        ValueError: it is not there, or no finite number.
    """
    return float(numbers_of([values.get(key)], key)[0])


def size_of(height: Any, width: Any) -> Size:
    """Return (H, W) of two whole numbers.

    Raises:
        ValueError: they are no size of a picture.
    """
    whole = all(type(side) in (int, float) and side == int(side) for side in (height, width))
    if not whole or min(height, width) < 1 or height * width > MAX_PIXELS:
        raise ValueError(f'a size of {width!r} x {height!r}')
    return int(height), int(width)


def parse_number(text: str) -> float:
    """Return the number of a text.

    Raises:
        ValueError: it is none, or not finite or too large.
    """
    return float(numbers_of([float(text)], f'{text[:20]!r}')[0])


def run_lengths(counts: Any, size: Size) -> np.ndarray:
    """Return (n,) int64 lengths that add up to the pixels of a size.

    Args:
        counts: a list of whole numbers, or the text that pycocotools packs them into.
        size: (H, W) in pixels.

    Raises:
        ValueError: they do not add up, or are no lengths.
    """
    if isinstance(counts, str):
        counts = _unpacked(counts)
    if not isinstance(counts, list) or not all(type(count) is int for count in counts):
        raise ValueError('run lengths that are no whole numbers')
    pixels = size[0] * size[1]
    if any(not 0 <= count <= pixels for count in counts) or sum(counts) != pixels:
        raise ValueError(f'run lengths that do not add up to {size[1]} x {size[0]} pixels')
    return np.array(counts, np.int64)


def _unpacked(text: str) -> list[int]:
    """Return the lengths of pycocotools' text: 5 bits a character, each number as a difference."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64 or shift > 60:
            raise ValueError('run lengths that are no text of pycocotools')
        value |= (code & 31) << shift
        shift += 5
        if code & 32:
            continue
        if code & 16:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))
        value = shift = 0
    if shift:
        raise ValueError('run lengths that end too early')
    return counts
