"""Images of strangers."""

import numpy as np

from ..datasets.image_io import decode_image
from ..datasets.reading.formats import DECODING_ERRORS, from_bytes
from ..errors import UserError
from .settings import Limits


class RefusedImageError(Exception):
    """An image is not taken.

    Args:
        status: of HTTP, 413 or 415.
        detail: why.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


def decode(data: bytes, limits: Limits) -> np.ndarray:
    """Return an image (H, W, 3) uint8 RGB; its size is looked at before it is decoded.

    Raises:
        RefusedImageError: it is too large, or no image.
    """
    try:
        with from_bytes(data) as picture:  # whose size is known before its orientation is
            width, height = picture.size
        if width * height > limits.pixels:
            raise RefusedImageError(413, f'{width}x{height} pixels; at most {limits.pixels:,}')
        return np.ascontiguousarray(decode_image(data)[..., ::-1])
    except UserError as error:  # of a kind that is not read, and why
        raise RefusedImageError(415, str(error)) from None
    except DECODING_ERRORS:
        raise RefusedImageError(415, 'not a readable image') from None
