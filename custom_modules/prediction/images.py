"""What can be predicted, and what a network sees of it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from ..base.errors import UserError
from ..datasets.channels import swap_red_and_blue
from ..datasets.image_io import COLOURS, read_image
from ..datasets.image_reading import ImageReading
from ..datasets.reading.colours import MODES

#: Pillow's kinds of pixels that are numbers, and have no colours.
NUMBERS = ('I', 'I;16', 'I;16L', 'I;16B', 'F')


@dataclass(frozen=True)
class ReadImage:
    """An image that has been read by the rule already.

    Attributes:
        pixels: (H, W, C) uint8, RGB where C is 3.
    """

    pixels: np.ndarray


#: A file, an array as its file would hold it (see ``pixels_of``), an image of Pillow.
ImageLike = str | Path | np.ndarray | Image.Image | ReadImage


def pixels_of(image: ImageLike, reading: ImageReading) -> np.ndarray:
    """Return what a network sees of an image, upright: (H, W, C) uint8, BGR where C is 3.

    Args:
        image: image of any kind. An array is (H, W, 3) uint8 RGB where images are read as colours,
            which is the default; otherwise (H, W) or (H, W, B) of any numbers, its bands as a file
            holds them, and ``reading`` applies to it as to a file.
        reading: rule by which the values of an image become channels.

    Raises:
        UnreadableImageError: the file cannot be decoded.
        UserError: the image is not as ``reading`` has it, or no kind of image at all.
    """
    if isinstance(image, str | Path):
        return read_image(image, reading)
    alpha = False
    if isinstance(image, ReadImage):
        return np.ascontiguousarray(swap_red_and_blue(image.pixels))
    if isinstance(image, Image.Image):
        image, alpha = _of_pillow(image, reading)
    if not isinstance(image, np.ndarray):
        raise UserError(
            f'{type(image).__name__} is no image; give a path, an RGB array or an image of Pillow'
        )
    if reading == COLOURS:
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or not image.size:
            raise UserError(
                f'an array of shape {image.shape} and type {image.dtype} is no image; '
                'give (H, W, 3) uint8, RGB'
            )
        return np.ascontiguousarray(image[..., ::-1])
    if image.ndim not in (2, 3) or not image.size or image.dtype.kind not in 'buif':
        raise UserError(
            f'an array of shape {image.shape} and type {image.dtype} is no image; give (H, W) or '
            f'(H, W, bands), numbers as its file would hold them, which are read as {reading}'
        )
    return np.ascontiguousarray(swap_red_and_blue(reading.apply(image, alpha)))


def _of_pillow(image: Image.Image, reading: ImageReading) -> tuple[np.ndarray, bool]:
    """Return the values of an image of Pillow, and whether the last band is transparency."""
    upright = ImageOps.exif_transpose(image)
    numbers = reading != COLOURS and image.mode in NUMBERS
    if image.mode not in MODES and not numbers:
        raise UserError(
            f'an image of Pillow of the mode {image.mode} has no colours of 8 bits; '
            'give its path, or convert it'
        )
    if numbers or (reading != COLOURS and image.mode in ('L', 'LA', 'RGB', 'RGBA')):
        return np.asarray(upright), image.mode in ('LA', 'RGBA')
    return np.asarray(upright.convert('RGB')), False
