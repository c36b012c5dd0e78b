"""The pixels of a mask as its file holds them, before anybody says what they mean."""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from ...base.errors import UserError
from .colours import is_16_bit, values_16_bit
from .jpeg import decode_jpeg
from .tiff import is_unsigned

MODES = ('1', 'L', 'LA', 'RGB', 'RGBA', 'I', 'I;16', 'I;16B', 'I;16L', 'F')


@dataclass(frozen=True)
class StoredMask:
    """What a mask's file holds.

    Attributes:
        pixels: (H, W) numbers, truth values or indices of the palette; or (H, W, 2 to 4) red, green
            and blue or grey, the last of two or four being the opacity.
        palette: (n, 4) uint8 red, green, blue and opacity of the indices; None without a palette.
        jpeg: whether the file is compressed with losses, so that its values are nearly right.
    """

    pixels: np.ndarray
    palette: np.ndarray | None = None
    jpeg: bool = False


def stored_mask(picture: Image.Image, data: bytes) -> StoredMask:
    """Return what an opened picture holds.

    Raises:
        OSError, ValueError and others: the mask is damaged.
        UserError: its pixels are of a kind that no mask has.
    """
    if picture.format in ('JPEG', 'MPO') and picture.mode in ('L', 'RGB'):
        pixels = decode_jpeg(data, 'GRAY' if picture.mode == 'L' else 'RGB')
        return StoredMask(pixels[..., 0] if picture.mode == 'L' else pixels, jpeg=True)
    if picture.mode == 'P':
        return _of_palette(picture)
    if picture.mode not in MODES:
        raise UserError(
            f'pixels of the kind {picture.mode}, not a mask; save it with one channel of class '
            'values'
        )
    if is_16_bit(picture, data) and is_unsigned(picture):
        pixels = values_16_bit(picture, data)
        if pixels.ndim == 3:  # OpenCV's order of the colours is the other one
            code = cv2.COLOR_BGRA2RGBA if pixels.shape[2] == 4 else cv2.COLOR_BGR2RGB
            pixels = cv2.cvtColor(pixels, code)
        return StoredMask(pixels)
    pixels = np.asarray(picture)
    if pixels.dtype == np.uint8 and not is_unsigned(picture):
        pixels = pixels.view(np.int8)
    return StoredMask(pixels)


def _of_palette(picture: Image.Image) -> StoredMask:
    indices = np.asarray(picture)
    picture.apply_transparency()  # from the file's list into the palette
    palette = np.array(picture.getpalette('RGBA'), np.uint8).reshape(-1, 4)
    largest = int(indices.max())
    if largest >= len(palette):
        raise UserError(f'index {largest} is not in its palette of {len(palette)} colours')
    return StoredMask(indices, palette)
