"""Reading images and masks from files nobody has checked."""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ..errors import UnreadableImageError, UserError


def read_image(path: str | Path) -> np.ndarray:
    """Return the image as (H, W, 3) uint8 BGR, whatever the format behind the file's name.

    OpenCV decodes; what it cannot read (CMYK, unusual GIF) goes to Pillow. Orientation in EXIF is
    applied.

    Raises:
        UnreadableImageError: the file is missing, empty, cut short or no image.
    """
    data = _read_bytes(path)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        try:
            with Image.open(path) as picture:
                image = np.asarray(picture.convert('RGB'))[..., ::-1].copy()
        except (OSError, ValueError, Image.DecompressionBombError) as error:
            raise UnreadableImageError(
                f'{path}: not a readable image ({error}); '
                'replace the file or remove it from the list'
            ) from None
    return image


def read_mask(path: str | Path) -> np.ndarray:
    """Return the values of a mask as (H, W) uint8: grey levels, palette indices, or 0/1 of 1 bit.

    Raises:
        UnreadableImageError: the file is missing, empty, cut short or no image.
        UserError: it is coloured, or has values above 255.
    """
    _read_bytes(path)
    try:
        with Image.open(path) as picture:
            values = np.asarray(picture)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise UnreadableImageError(
            f'{path}: not a readable mask ({error}); replace the file or remove it from the list'
        ) from None
    if values.ndim == 3:
        colours = values[..., :3] if values.shape[-1] >= 3 else values[..., :1]
        if (colours != colours[..., :1]).any():
            raise UserError(
                f'{path}: a colour image, not a mask; save it with one channel of class values'
            )
        values = colours[..., 0]
    if values.min() < 0 or values.max() > 255:
        raise UserError(
            f'{path}: values from {values.min()} to {values.max()}; a mask holds 0 to 255'
        )
    return values.astype(np.uint8)


def _read_bytes(path: str | Path) -> bytes:
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise UnreadableImageError(
            f'{path}: cannot be read ({error.strerror}); check data_root, or prepare the data again'
        ) from None
    if not data:
        raise UnreadableImageError(f'{path}: the file is empty; copy it again')
    return data
