"""Reading images and masks from files nobody has checked."""

import io
import stat
import warnings
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from ..errors import UnreadableImageError, UserError

#: Of a file. More would fill the memory before anybody knows what is in it.
MAX_BYTES = 1 << 30

# A damaged file becomes one message of ours; OpenCV would print a page of its own.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

# Pillow refuses above 178 million pixels and warns from half of that on; the refusal is enough.
warnings.filterwarnings('ignore', category=Image.DecompressionBombWarning)


def read_image(path: str | Path) -> np.ndarray:
    """Return the image as (H, W, 3) uint8 BGR, whatever the format behind the file's name.

    OpenCV decodes; what it cannot read (CMYK, unusual GIF) goes to Pillow. Orientation in EXIF is
    applied.

    Raises:
        UnreadableImageError: the file is missing, empty, cut short or no image, or it has more than
            178 million pixels (a decompression bomb, refused before it is decoded).
    """
    try:
        return decode_image(_read_bytes(path))
    except (OSError, ValueError, cv2.error, Image.DecompressionBombError) as error:
        if isinstance(error, UserError):
            raise
        reason = getattr(error, 'err', error)  # OpenCV's text is preceded by its own source file
        raise UnreadableImageError(
            f'{path}: not a readable image ({reason}); replace the file or remove it from the list'
        ) from None


def decode_image(data: bytes) -> np.ndarray:
    """Return the image in the bytes of a file as ``read_image`` does.

    Raises:
        OSError, ValueError, cv2.error: it cannot be decoded.
        PIL.Image.DecompressionBombError: it has more than 178 million pixels.
    """
    _refuse_bomb(data)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None:
        try:
            with Image.open(io.BytesIO(data)) as picture:
                upright = ImageOps.exif_transpose(picture)
                image = np.asarray(upright.convert('RGB'))[..., ::-1].copy()
        except UnidentifiedImageError:  # whose text has an address in memory, another each time
            raise ValueError('of no known kind') from None
    return image


def read_size(path: str | Path) -> tuple[int, int]:
    """Return (H, W) of an image as ``read_image`` would give it, from its header alone.

    Raises:
        UnreadableImageError: the file is missing or no image.
    """
    try:
        with Image.open(path) as picture:
            width, height = picture.size
            turned = picture.getexif().get(ExifTags.Base.Orientation, 1) >= 5
    except (OSError, ValueError, Image.DecompressionBombError):
        return read_image(path).shape[:2]  # or says why not
    return (width, height) if turned else (height, width)


def _refuse_bomb(data: bytes) -> None:
    """Let Pillow raise if the size in the header is beyond its limit; nothing is decoded."""
    try:
        Image.open(io.BytesIO(data)).close()
    except (OSError, ValueError):
        return  # of a kind that only OpenCV may know, which has a limit too


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
        status = Path(path).stat()
        if not stat.S_ISREG(status.st_mode):  # a pipe would never end, a device neither
            raise UnreadableImageError(f'{path}: no file; remove it from the list')
        if status.st_size > MAX_BYTES:
            raise UnreadableImageError(
                f'{path}: {status.st_size >> 20:,} MiB are no picture, at most '
                f'{MAX_BYTES >> 20:,} are read; remove it from the list'
            )
        data = Path(path).read_bytes()
    except OSError as error:
        raise UnreadableImageError(
            f'{path}: cannot be read ({error.strerror}); check data_root, or prepare the data again'
        ) from None
    if not data:
        raise UnreadableImageError(f'{path}: the file is empty; copy it again')
    return data
