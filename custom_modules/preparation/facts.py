"""What the plan of a training goes by: how many images, how large, how thin their foreground."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np

#: A pixel that does not count, in a mask as a ``ReadsMasks`` gives it.
_FOREGROUND = 255


@dataclass(frozen=True)
class Facts:
    """A data set in numbers.

    Attributes:
        training: number of images to train with.
        height: median height of the images that were looked at, in pixels.
        width: median width of them.
        share: median share of the foreground of those that have any, 0 to 1; 0 if none has.
        thickness: thickness of the foreground, in pixels of the files: of a quarter of the images
            it is less. 0 if none has any.
    """

    training: int
    height: int
    width: int
    share: float
    thickness: float


def facts_of(masks: Iterable[np.ndarray], training: int, progress: Callable[[int], None]) -> Facts:
    """Return the facts of some masks of a data set, one in memory at a time.

    Args:
        masks: masks (H, W) uint8 of 0, 255 and 127 (does not count), of the images' size.
        training: number of images to train with.
        progress: function that is given the number of masks that were looked at.
    """
    sizes, shares, thicknesses = [], [], []
    for done, mask in enumerate(masks, 1):
        foreground = mask == _FOREGROUND
        sizes.append(mask.shape)
        if foreground.any():
            shares.append(float(foreground.mean()))
            thicknesses.append(thickness(foreground))
        progress(done)
    height, width = np.median(sizes, axis=0).astype(int)
    return Facts(
        training,
        int(height),
        int(width),
        float(np.median(shares)) if shares else 0.0,
        float(np.quantile(thicknesses, 0.25)) if thicknesses else 0.0,
    )


def thickness(foreground: np.ndarray) -> float:
    """Return how thick the foreground of a mask (H, W) is, in pixels.

    Four times the mean distance of its pixels to the outline: the width of a strip, two thirds of
    the diameter of a disc.
    """
    padded = cv2.copyMakeBorder(foreground.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    if padded.all():
        return float(min(foreground.shape))
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    # Distances are to the centre of the nearest pixel outside: half a pixel too far.
    return float(4 * (distance[foreground] - 0.5).mean())
