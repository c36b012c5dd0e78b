"""What of a mask's file could be the classes: its grey levels, indices, colours or opacity."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...base.errors import UserError
from ...datasets.reading.stored_mask import StoredMask

#: Where the classes are.
Place = Literal['grey', 'fractions', 'indices', 'colours', 'opacity']

#: More colours than this on a transparent ground are those of a thing that was cut out.
MANY_LABELS = 16


@dataclass(frozen=True)
class View:
    """The numbers of a mask that are looked at.

    Attributes:
        place: where they are from.
        values: (H, W) whole numbers, uint8 or int32; colours as 0xRRGGBB.
        wide: whether the file has room for more than 8 bits.
    """

    place: Place
    values: np.ndarray
    wide: bool = False


def packed(colours: np.ndarray) -> np.ndarray:
    """Return (...) int32 0xRRGGBB of (..., 3) uint8."""
    red, green, blue = (colours[..., channel].astype(np.int32) for channel in range(3))
    return red << 16 | green << 8 | blue


def unpacked(numbers: np.ndarray) -> np.ndarray:
    """Return (..., 3) uint8 of (...) 0xRRGGBB."""
    numbers = np.asarray(numbers)
    return np.stack([numbers >> shift & 255 for shift in (16, 8, 0)], -1).astype(np.uint8)


def grey_of(colours: np.ndarray) -> np.ndarray | None:
    """Return the grey levels of colours (n,), or None if one of them is no grey."""
    channels = unpacked(colours)
    return channels[:, 0].astype(np.int64) if (channels == channels[:, :1]).all() else None


def view_of(stored: StoredMask, colours_count: bool = False) -> View:
    """Return the numbers that are the classes, as far as one file tells.

    Args:
        stored: what the mask's file holds.
        colours_count: whether the colours of a palette are looked at and not its indices.

    Raises:
        UserError: the numbers are below -255 or beyond 32 bits, fractions that are not from 0 to 1,
            or no numbers.
    """
    if stored.palette is not None:
        return _of_palette(stored.pixels, stored.palette, colours_count)
    if stored.pixels.ndim == 2:
        return _of_numbers(stored.pixels)
    return _of_channels(stored.pixels)


def _of_palette(indices: np.ndarray, palette: np.ndarray, colours_count: bool) -> View:
    used = np.flatnonzero(np.bincount(indices.ravel()))
    colours, opacity = palette[used, :3], palette[used, 3]
    if (opacity != 255).any():
        return _of_channels(palette[indices])
    grey = colours[:, 0]
    if (colours == grey[:, None]).all():
        if (grey == used).all() or not set(grey.tolist()) <= {0, 255}:
            return View('grey', palette[indices, 0])
        return View('grey', (palette[indices, 0] == 255).astype(np.uint8))  # as masks are read
    plain = (colours == grey[:, None]).all(axis=1) & np.isin(grey, (0, 255))
    # Black or white for an index in the middle: the palette is in no order that means something.
    if colours_count or (palette[0, :3].any() and plain[(used > 0) & (used < 255)].any()):
        return View('colours', packed(palette[:, :3])[indices])
    return View('indices', indices)


def _of_numbers(values: np.ndarray) -> View:
    if values.dtype == bool:
        return View('grey', values.astype(np.uint8))
    if values.dtype.kind == 'f':
        return _of_fractions(values)
    low, high = int(values.min()), int(values.max())
    if low < -255 or high > 2**31 - 1:
        raise UserError(f'values from {low} to {high}; a mask holds classes or numbers of objects')
    kept = np.uint8 if low >= 0 and high <= 255 else np.int32
    return View('grey', values.astype(kept, copy=False), wide=values.dtype.itemsize > 1)


def _of_fractions(values: np.ndarray) -> View:
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UserError('values that are no numbers (NaN or infinity); save 0 for the background')
    if (values == np.rint(values)).all():
        if low < -255 or high > 2**31 - 1:
            raise UserError(f'values from {low:g} to {high:g}; a mask holds classes')
        return _of_numbers(values.astype(np.int64))
    if low < 0 or high > 1:
        raise UserError(
            f'fractions from {low:g} to {high:g}; save whole numbers, or fractions from 0 to 1'
        )
    # A half and more is above the middle of 8 bits.
    return View('fractions', np.floor(values * 255 + 0.5).astype(np.uint8))


def _of_channels(pixels: np.ndarray) -> View:
    """Return colours or opacity of (H, W, 2 to 4), grey levels where all channels are equal."""
    if pixels.dtype != np.uint8:
        pixels = _eight_bits(pixels)
    colours = pixels[..., : pixels.shape[2] - (pixels.shape[2] in (2, 4))]
    if colours.shape[2] == 1:
        colours = colours.repeat(3, axis=2)
    numbers = packed(colours)
    if colours.shape[2] < pixels.shape[2] or pixels.shape[2] == 2:
        opacity = pixels[..., -1]
        if (opacity != 255).any():
            return _of_transparency(numbers, opacity)
    return View('colours', numbers)


def _of_transparency(numbers: np.ndarray, opacity: np.ndarray) -> View:
    """Take the opacity of a cut-out, and the colours of labels that lie on nothing."""
    seen = numbers[opacity > 0]
    few = len(np.unique(seen[:: max(1, seen.size >> 12)])) <= MANY_LABELS  # before the whole sort
    labels = few and 1 < len(np.unique(seen)) <= MANY_LABELS
    if labels and np.isin(opacity, (0, opacity.max())).all() and (opacity == 0).any():
        return View('colours', np.where(opacity > 0, numbers, 0))
    return View('opacity', opacity)


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype == np.uint16 and (pixels % 257 == 0).all():
        return (pixels // 257).astype(np.uint8)
    if pixels.dtype.kind in 'iu' and pixels.min() >= 0 and pixels.max() <= 255:
        return pixels.astype(np.uint8)
    raise UserError(
        f'colours from {pixels.min():g} to {pixels.max():g}; save it with 8 bits, or one channel '
        'of class values'
    )
