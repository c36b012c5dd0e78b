"""Pictures of a prediction, as PNG."""

from typing import Literal

import cv2
import numpy as np

from ..prediction import Prediction
from ..prediction.outputs import KINDS

Kind = Literal['mask', 'overlay', 'cutout', 'probability']

#: Longest side in pixels of a picture that is there to be looked at.
SHOWN = 1280

#: Memory that a picture in colours takes while it is made, as a multiple of what a mask takes.
WEIGHT = 3


def picture(prediction: Prediction, kind: Kind) -> bytes:
    """Return a picture at the photograph's own size.

    A mask of 0 and 255; the image with the foreground tinted; the foreground, all else transparent;
    16 bits, 65535 for a probability of 1.
    """
    return _png(KINDS[kind][2](prediction))


def shown_picture(prediction: Prediction, kind: Kind) -> bytes:
    """Return a picture of 8 bits whose longest side is ``SHOWN`` at most."""
    pixels = KINDS[kind][2](prediction)
    if pixels.dtype == np.uint16:
        pixels = (pixels // 257).astype(np.uint8)
    scale = SHOWN / max(pixels.shape[:2])
    if scale < 1:
        height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return _png(pixels)


def _png(pixels: np.ndarray) -> bytes:
    """Return pixels, grey, RGB or RGBA, as a file."""
    if pixels.ndim == 3:
        order = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
        pixels = cv2.cvtColor(pixels, order, dst=pixels)  # each is made for this alone
    return cv2.imencode('.png', pixels)[1].tobytes()
