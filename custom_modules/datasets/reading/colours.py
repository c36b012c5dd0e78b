"""From what a picture's file holds to red, green and blue of 8 bits."""

import cv2
import numpy as np
from PIL import Image

from ...base.errors import UserError
from .tiff import BITS, PHOTOMETRIC, WHITE_IS_ZERO, is_unsigned, tags
from .to_bytes import no_bytes, to_8_bit

#: Pillow's kinds of pixels that say what their colours are.
MODES = ('1', 'L', 'LA', 'P', 'PA', 'RGB', 'RGBA', 'RGBX', 'CMYK', 'YCbCr')

#: Where a PNG says how many bits its values have.
DEPTH_OF_PNG = 24


def is_16_bit(picture: Image.Image, data: bytes) -> bool:
    """Say whether a PNG or TIFF holds 16 bits for each value."""
    if picture.format == 'PNG':
        return data[DEPTH_OF_PNG] == 16
    return picture.format == 'TIFF' and set(tags(picture).get(BITS, ())) == {16}


def values_16_bit(picture: Image.Image, data: bytes) -> np.ndarray:
    """Return the values of a 16-bit picture, (H, W) or (H, W, 3 or 4) uint16 BGR and alpha.

    Raises:
        ValueError: the picture cannot be decoded.
        UserError: the picture's colours are not red, green and blue, or 0 is white.
    """
    if picture.mode not in ('I;16', 'I;16B', 'I;16L', 'RGB', 'RGBA', 'LA', 'RGBX'):
        raise UserError(f'16-bit colours of the kind {picture.mode}; save it with 8 bits')
    if tags(picture).get(PHOTOMETRIC) == WHITE_IS_ZERO:
        raise UserError('16-bit values of which 0 is white; save it with 0 as black')
    picture.load()  # notices damage that OpenCV passes over, but keeps 8 bits of 16
    if picture.mode.startswith('I;16'):
        return np.asarray(picture).astype(np.uint16)
    values = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None or values.dtype != np.uint16:
        raise ValueError('its 16 bits cannot be decoded')
    return values


def to_bgr(picture: Image.Image, data: bytes) -> np.ndarray:
    """Return the pixels of a picture that is no JPEG as (H, W, 3) uint8 BGR; alpha is left out.

    Raises:
        OSError, ValueError and others: the picture is damaged.
        UserError: the picture's values are neither bytes nor unsigned 16-bit numbers that use their
            range.
    """
    if is_16_bit(picture, data) and is_unsigned(picture):
        values = values_16_bit(picture, data)
        values = to_8_bit(values[..., :3] if values.ndim == 3 else values)
        return values if values.ndim == 3 else cv2.cvtColor(values, cv2.COLOR_GRAY2BGR)
    if picture.mode not in MODES or not is_unsigned(picture):
        values = np.asarray(picture)
        if values.dtype == np.uint8:  # Pillow does not tell signs apart
            values = values.view(np.int8)
        elif values.dtype == np.int32 and is_unsigned(picture):
            values = values.view(np.uint32)
        raise UserError(no_bytes(values))
    if picture.format == 'AVIF':  # OpenCV refuses damage that Pillow shows
        image = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        )
        if image is None:
            raise ValueError('damaged')
        return image
    # A palette with transparency is not turned into RGB without a warning.
    transparent = 'transparency' in picture.info
    rgb = np.asarray(picture.convert('RGBA' if transparent else 'RGB'))
    return cv2.cvtColor(rgb, cv2.COLOR_RGBA2BGR if transparent else cv2.COLOR_RGB2BGR)
