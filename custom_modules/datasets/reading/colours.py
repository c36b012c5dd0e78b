"""From what a picture's file holds to red, green and blue of 8 bits."""

import cv2
import numpy as np
from PIL import Image

from ...base.errors import UserError
from .tiff import BITS, PHOTOMETRIC, WHITE_IS_ZERO, is_unsigned, tags

#: Pillow's kinds of pixels that say what their colours are.
MODES = ('1', 'L', 'LA', 'P', 'PA', 'RGB', 'RGBA', 'RGBX', 'CMYK', 'YCbCr')

#: Where a PNG says how many bits its values have.
DEPTH_OF_PNG = 24

#: 16-bit values that reach a quarter of their range are taken to use it; cameras and microscopes
#: that deliver 10, 12 or 14 bits in 16 do not.
USED = 1 << 14
#: Share of the values that has to: single hot pixels do not count.
USED_BY = 0.01


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


def to_8_bit(values: np.ndarray) -> np.ndarray:
    """Return 16-bit values divided by 257 and rounded, so that 0 stays 0 and 65,535 becomes 255.

    Raises:
        UserError: the values use so little of their range that nothing would be left of them.
    """
    if values.any() and (values >= USED).mean() < USED_BY:
        raise UserError(
            f'16-bit values from {values.min():,} to {values.max():,}, of which less than '
            f'{USED_BY:.0%} reach {USED:,} of 65,535: divided by 257 they would be nearly black. '
            'Save all images with 8 bits, scaled by the same limits (such as the percentiles 0.1 '
            'and 99.9 of all of them)'
        )
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)


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
        raise UserError(
            f'{_kind_of_numbers(picture)}; an image has whole numbers of 8 or 16 bits. Save all '
            'images with 8 bits, scaled by the same limits'
        )
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


def _kind_of_numbers(picture: Image.Image) -> str:
    if picture.mode == 'F':
        values = np.asarray(picture)
        return f'floating-point values from {values.min():g} to {values.max():g}'
    return f'values of the kind {picture.mode}, signed or of more than 16 bits'
