"""Overlapping windows over an image that is too large, or too finely resolved, to be seen whole."""

from collections.abc import Iterable

import numpy as np

from ..base.errors import UserError

#: Rows and columns of a window.
Window = tuple[slice, slice]


def check_windows(side: int | None, overlap: float) -> None:
    """Refuse windows that cannot be.

    Raises:
        UserError: ``side`` is not positive, or ``overlap`` not from 0 to below 1.
    """
    if side is not None and side < 1:
        raise UserError(f'window={side} is not allowed; give the side of the windows in pixels')
    if not 0 <= overlap < 1:
        raise UserError(f'overlap={overlap} is not allowed; use a number from 0 to below 1')


def spans(length: int, side: int, overlap: float) -> list[slice]:
    """Return the fewest spans of ``side`` pixels that cover ``length`` at equal steps.

    Neighbours share at least ``overlap`` of their side. Where ``length`` is not longer than
    ``side``, one span covers it.
    """
    if length <= side:
        return [slice(0, length)]
    step = max(1.0, side * (1 - overlap))
    count = int(np.ceil((length - side) / step)) + 1
    starts = np.linspace(0, length - side, count).round().astype(int)
    return [slice(int(start), int(start) + side) for start in starts]


def windows(shape: tuple[int, int], side: int, overlap: float) -> list[Window]:
    """Return the windows over an image of ``shape`` (H, W), row by row."""
    height, width = shape
    columns = spans(width, side, overlap)
    return [(rows, column) for rows in spans(height, side, overlap) for column in columns]


def merge(parts: Iterable[tuple[Window, np.ndarray]], shape: tuple[int, int]) -> np.ndarray:
    """Return the weighted mean of what the windows say about each pixel, (H, W) float32.

    A window's weight falls linearly from its middle to its edges, where it knows least about the
    surroundings, so no seams are seen. Two maps of the image's size are held, whatever the number
    of windows.

    Args:
        parts: windows with their values (h, w), float32; together they cover the image.
        shape: height and width of the image.
    """
    total, weights = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for window, values in parts:
        weight = np.outer(*(_ramp(side) for side in values.shape))
        total[window] += weight * values
        weights[window] += weight
    total /= weights
    return total


def _ramp(length: int) -> np.ndarray:
    """Return weights that rise from 0.5 / (length / 2) at the ends to about 1 in the middle."""
    positions = np.arange(length, dtype=np.float32) + 0.5
    return np.minimum(positions, positions[::-1]) / (length / 2)
