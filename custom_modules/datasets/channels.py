"""The channels of a picture: red, green and blue, grey, or bands of any meaning."""

from collections.abc import Callable
from typing import Any, TypeVar

import cv2
import numpy as np

Pixels = TypeVar('Pixels')

#: Number of channels that have colours, which OpenCV keeps from blue to red; others have one order.
COLOURS = 3

#: Channels that all functions of OpenCV take.
MOST_AT_ONCE = 4


def swap_red_and_blue(pixels: Pixels, axis: int = -1) -> Pixels:
    """Return pixels from BGR in RGB or back; those of any other number of channels as they are.

    Args:
        pixels: array or tensor of pixels, whose channels lie along ``axis``.
        axis: axis of the channels, 0 or -1 of an image, 1 of a batch (N, C, H, W).
    """
    several: Any = pixels
    if several.shape[axis] != COLOURS:
        return pixels
    if not isinstance(several, np.ndarray):
        return several.flip(axis)
    return np.flip(several, axis)  # type: ignore[return-value]


def viewable(image: np.ndarray) -> np.ndarray:
    """Return an image of any number of channels as one that can be looked at.

    Args:
        image: (H, W, C) uint8; RGB where C is 3.

    Returns:
        (H, W, 3) uint8 RGB: grey in all three, the first of two bands, the first three of more.
    """
    channels = image.shape[2]
    if channels < COLOURS:
        return cv2.cvtColor(np.ascontiguousarray(image[..., 0]), cv2.COLOR_GRAY2RGB)
    return image if channels == COLOURS else np.ascontiguousarray(image[..., :COLOURS])


def all_channels(image: np.ndarray) -> np.ndarray:
    """Return (H, W, C) of a picture of OpenCV, which leaves out the axis of one channel."""
    return image[..., None] if image.ndim == 2 else image


def in_fours(change: Callable[[np.ndarray], np.ndarray], image: np.ndarray) -> np.ndarray:
    """Return what a function of OpenCV that knows at most four channels makes of any number.

    Args:
        change: function of (H, W, c) arrays that treats each channel alike.
        image: (H, W, C) array.
    """
    if image.shape[2] <= MOST_AT_ONCE:
        return all_channels(change(image))
    starts = range(0, image.shape[2], MOST_AT_ONCE)
    parts = [np.ascontiguousarray(image[..., start : start + MOST_AT_ONCE]) for start in starts]
    return np.concatenate([all_channels(change(part)) for part in parts], axis=2)
