"""Which way up a picture is: one rule for its size, its pixels and its mask."""

import numpy as np
from PIL import ExifTags, Image

from ...base.errors import UserError
from .formats import DECODING_ERRORS

#: How EXIF's numbers say that stored pixels become upright ones.
UPRIGHT = 1
HALF_TURNS_AND_MIRRORS = (2, 3, 4)
QUARTER_TURNS = (5, 6, 7, 8)


def orientation_of(picture: Image.Image) -> int:
    """Return EXIF's orientation, 1 to 8; 1 where there is none, or anything else.

    Of a TIFF it is the tag, of an AVIF its rotation and mirror. To be asked before the picture is
    decoded, because Pillow then forgets that of a TIFF.

    Raises:
        OSError, SyntaxError and others: the picture is a damaged PNG.
    """
    if picture.format == 'PNG':
        picture.load()  # its EXIF may follow its pixels, of which no damage may be passed over
    try:
        found = picture.getexif().get(ExifTags.Base.Orientation)
    except DECODING_ERRORS:  # damaged EXIF in front of a whole picture
        return UPRIGHT
    return found if isinstance(found, int) and 1 <= found <= 8 else UPRIGHT


def turned_by_decoder(picture: Image.Image) -> bool:
    """Say whether size and pixels are upright already: those of TIFF are, by all decoders."""
    return picture.format == 'TIFF'


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """Return (H, W) of the upright picture."""
    width, height = picture.size
    if orientation_of(picture) in QUARTER_TURNS and not turned_by_decoder(picture):
        return width, height
    return height, width


def turn_upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Return stored pixels (H, W, ...) upright, as a view."""
    if orientation in (2, 3):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4):
        pixels = pixels[::-1]
    if orientation in QUARTER_TURNS:
        pixels = pixels.swapaxes(0, 1)
        if orientation in (6, 7):
            pixels = pixels[:, ::-1]
        if orientation in (7, 8):
            pixels = pixels[::-1]
    return pixels


def mask_like_image(
    mask: np.ndarray, mask_orientation: int, image_size: tuple[int, int], image_orientation: int
) -> np.ndarray:
    """Return a mask the same way up as its upright image.

    Programs that draw masks either heed the image's EXIF or do not, and seldom write any. A mask
    without an orientation is therefore as the image is stored, or upright; its size tells which
    after a quarter turn, unless the image is square.

    Args:
        mask: (H, W) or (H, W, channels) mask, upright by its own orientation.
        mask_orientation: EXIF orientation in the mask's file, 1 (upright or none) to 8.
        image_size: (H, W) of the upright image, in pixels.
        image_orientation: EXIF orientation in the image's file, 1 (upright or none) to 8.

    Raises:
        UserError: the two orientations differ, or it cannot be told which way up the mask was
            drawn.
    """
    if mask_orientation == image_orientation:
        return mask
    if mask_orientation != UPRIGHT:
        raise UserError(
            f'the mask has the EXIF orientation {mask_orientation}, its image '
            f'{image_orientation}; save both upright, without one'
        )
    height, width = image_size
    if image_orientation in QUARTER_TURNS and height != width:
        return turn_upright(mask, image_orientation) if mask.shape[:2] == (width, height) else mask
    raise UserError(
        f'the image has the EXIF orientation {image_orientation} and the mask none, so it cannot '
        'be told whether the mask was drawn on the turned image; save the image upright, without '
        'an orientation, the way the mask is'
    )
