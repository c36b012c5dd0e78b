"""Decoding of untrusted images."""

import cv2
import numpy as np

from ..base.errors import UserError
from ..datasets.image_io import COLOURS, decode_image, stored_size
from ..datasets.image_reading import ImageReading
from ..datasets.reading.formats import DECODING_ERRORS
from .settings import Limits


class RefusedImageError(Exception):
    """An image is not taken.

    Args:
        status: status code of HTTP, 413 or 415.
        detail: reason why the image is not taken.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def decode(data: bytes, limits: Limits, reading: ImageReading = COLOURS) -> np.ndarray:
    """Return an image (H, W, C) uint8, RGB where C is 3; its size is looked at before.

    How long that takes is up to the image: a service calls this in a process that can be ended
    (``Decoders``).

    Raises:
        RefusedImageError: the image is too large, or the bytes are no image.
    """
    try:
        height, width = stored_size(data, reading)  # known before the orientation is
        _check_size(width, height, limits)
        image = decode_image(data, reading)
    except UserError as error:  # of a kind that is not read, and why
        raise RefusedImageError(415, str(error)) from None
    except DECODING_ERRORS:
        raise RefusedImageError(415, 'not a readable image') from None
    except MemoryError:
        raise RefusedImageError(413, 'it takes too much memory to decode') from None
    _check_size(image.shape[1], image.shape[0], limits)  # a header may say anything
    colours = image.shape[2] == 3
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=image) if colours else image


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.pixels:
        raise RefusedImageError(413, f'{width}x{height} pixels; at most {limits.pixels:,}')
    if max(width, height) > limits.side:
        raise RefusedImageError(413, f'{width}x{height} pixels; at most {limits.side:,} a side')
