"""Reading images and masks from files nobody has checked: right values, or a message.

What is read, and what each kind of file means, is the table of docs/data.md; ``ImageReading`` says
what a network sees of it.
"""

import io
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from ..base.errors import UnreadableImageError, UserError
from .channels import swap_red_and_blue
from .image_reading import ImageReading
from .reading.bands import read_bands
from .reading.colours import to_bgr
from .reading.formats import DECODING_ERRORS, format_of, from_bytes, open_picture
from .reading.jpeg import decode_jpeg
from .reading.mask_values import mask_values
from .reading.numpy_file import BEGINNING, array_of
from .reading.orientation import (
    UPRIGHT,
    mask_like_image,
    orientation_of,
    turn_upright,
    turned_by_decoder,
    upright_size,
)
from .reading.stored_mask import StoredMask, stored_mask
from .reading.tiff import tiff_header

#: Grey or colours as three channels of bytes, as every data set is read that says nothing else.
COLOURS = ImageReading()

#: Of a file. More would fill the memory before anybody knows what is in it.
MAX_BYTES = 1 << 30


@dataclass(frozen=True)
class Orientation:
    """How the pixels of an image lie in its file, for which its mask may have been drawn.

    Attributes:
        exif: EXIF's number of the orientation, 1 (upright) to 8.
        size: (H, W) of the upright image, in pixels.
    """

    exif: int
    size: tuple[int, int]


def read_image(path: str | Path, reading: ImageReading = COLOURS) -> np.ndarray:
    """Return the image as (H, W, C) uint8, BGR where C is 3, upright, whatever its format.

    Args:
        path: image file to read.
        reading: rule by which its values become channels.

    Raises:
        UnreadableImageError: the file is missing, empty, damaged or no image, or its sides are
            beyond the limits of ``reading.formats``.
        UserError: the image is not as ``reading`` has it: other numbers than bytes, other bands,
            more pictures.
    """
    return read_oriented_image(path, reading=reading)[0]


def read_oriented_image(
    path: str | Path, as_published: bool = False, reading: ImageReading = COLOURS
) -> tuple[np.ndarray, Orientation]:
    """Return the image as ``read_image`` does, and how it lies in its file.

    Args:
        path: image file to read.
        as_published: whether to take what can be decoded of a damaged JPEG, and the first of
            several pictures: for the few such files of a data set that everybody uses as it is.
        reading: rule by which the values of the file become channels.

    Raises:
        UnreadableImageError, UserError: for the same reasons as ``read_image``.
    """
    data = _read_bytes(path)
    with _named(path, 'image'):
        return _decode(data, as_published, reading)


def read_values(path: str | Path, reading: ImageReading) -> np.ndarray:
    """Return the values of an image before they become bytes, (H, W, C), numbers of any kind.

    Grey stands in all channels where colours are asked for, green for grey.

    Raises:
        UnreadableImageError, UserError: for the same reasons as ``read_image``.
    """
    data = _read_bytes(path)
    with _named(path, 'image'):
        found = read_bands(data)
        values = reading.choose(found.values, found.alpha)
    if values.shape[2] == reading.channels:
        return values
    return values[..., 1:2] if reading.channels == 1 else np.repeat(values, 3, axis=2)


def decode_image(data: bytes, reading: ImageReading = COLOURS) -> np.ndarray:
    """Return the image in the bytes of a file as ``read_image`` does.

    Raises:
        UserError: for the same reasons as ``read_image``; the message does not begin with a path.
        OSError, ValueError and others of ``reading.formats.DECODING_ERRORS``: the bytes cannot be
            decoded.
    """
    return _decode(data, as_published=False, reading=reading)[0]


def stored_size(data: bytes, reading: ImageReading = COLOURS) -> tuple[int, int]:
    """Return (H, W) of the image in the bytes of a file as it is stored, from its header alone.

    Raises:
        UserError, OSError, ValueError and others: for the same reasons as ``decode_image``.
    """
    if not reading.is_plain and format_of(io.BytesIO(data)) == 'TIFF':
        return tiff_header(io.BytesIO(data)).stored_size
    with from_bytes(data) as picture:
        return picture.size[::-1]


def read_orientation(path: str | Path, as_published: bool = False) -> Orientation:
    """Return how an image lies in its file, from its header alone, whatever its bands are.

    Raises:
        UnreadableImageError, UserError: for the same reasons as ``read_image``, as far as the
            header tells.
    """
    _check_file(path)
    with _named(path, 'image'), open(path, 'rb') as file:
        if format_of(file) == 'TIFF':
            header = tiff_header(file)
            if header.has_plain_values:  # of kinds that Pillow does not know, too
                return Orientation(header.exif, header.size)
            file.seek(0)
        with open_picture(file, as_published) as found:
            return Orientation(orientation_of(found), upright_size(found))


def read_mask(path: str | Path, image: Orientation | None = None) -> np.ndarray:
    """Return the values of a mask as (H, W) uint8: grey levels, palette indices, or 0/1 of 1 bit.

    Args:
        path: mask file to read.
        image: orientation of the image that the mask belongs to; the mask is returned the same way
            up. If None, the mask's own EXIF orientation is all that counts.

    Raises:
        UnreadableImageError: the file is missing, empty, damaged or no image.
        UserError: the mask can be read in two ways, is coloured, has values that are no whole
            numbers from 0 to 255, or lies otherwise than its image.
    """
    stored = read_stored_mask(path, image)
    with _named(path, 'mask'):
        return np.ascontiguousarray(mask_values(stored))


def read_stored_mask(path: str | Path, image: Orientation | None = None) -> StoredMask:
    """Return what a mask's file holds, the same way up as ``read_mask`` does.

    Raises:
        UnreadableImageError: the file is missing, empty, damaged or no image.
        UserError: its pixels are of a kind that no mask has, or lie otherwise than its image.
    """
    data = _read_bytes(path)
    with _named(path, 'mask'):
        if data.startswith(BEGINNING):
            stored, orientation = StoredMask(array_of(data)), UPRIGHT
        else:
            with from_bytes(data) as picture:
                orientation = orientation_of(picture)
                stored = stored_mask(picture, data)
                if not turned_by_decoder(picture):
                    upright = turn_upright(stored.pixels, orientation)
                    stored = replace(stored, pixels=upright)
        if image is not None:
            like_image = mask_like_image(stored.pixels, orientation, image.size, image.exif)
            stored = replace(stored, pixels=like_image)
        return replace(stored, pixels=np.ascontiguousarray(stored.pixels))


def _decode(
    data: bytes, as_published: bool, reading: ImageReading
) -> tuple[np.ndarray, Orientation]:
    if not reading.is_plain:
        found = read_bands(data, as_published)
        pixels = swap_red_and_blue(reading.apply(found.values, found.alpha))
        return np.ascontiguousarray(pixels), Orientation(found.exif, pixels.shape[:2])
    with from_bytes(data, as_published) as picture:
        lies = Orientation(orientation_of(picture), upright_size(picture))
        if picture.format in ('JPEG', 'MPO'):
            pixels = decode_jpeg(data, damaged=as_published)
        else:
            pixels = to_bgr(picture, data)
        if not turned_by_decoder(picture):
            pixels = turn_upright(pixels, lies.exif)
    if pixels.shape[:2] != lies.size:
        raise ValueError(f'its header says {lies.size[::-1]}, its pixels {pixels.shape[1::-1]}')
    if reading.channels == 1:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)[..., None]
    return np.ascontiguousarray(pixels), lies


@contextmanager
def _named(path: str | Path, kind: str) -> Iterator[None]:
    """Put the path in front of what is wrong with a file."""
    try:
        yield
    except UserError as error:
        raise type(error)(f'{path}: {error}') from None
    except DECODING_ERRORS as error:
        # OpenCV's text is preceded by its own source file.
        reason = ' '.join(str(getattr(error, 'err', error)).split())
        raise UnreadableImageError(
            f'{path}: not a readable {kind} ({reason}); replace the file or remove it from the list'
        ) from None


def _check_file(path: str | Path) -> None:
    try:
        status = Path(path).stat()
    except OSError as error:
        raise _unreadable(path, error) from None
    if not stat.S_ISREG(status.st_mode):  # a pipe would never end, a device neither
        raise UnreadableImageError(f'{path}: no file; remove it from the list')
    if not status.st_size:
        raise UnreadableImageError(f'{path}: the file is empty; copy it again')
    if status.st_size > MAX_BYTES:
        raise UnreadableImageError(
            f'{path}: {status.st_size >> 20:,} MiB are no picture, at most '
            f'{MAX_BYTES >> 20:,} are read; remove it from the list'
        )


def _read_bytes(path: str | Path) -> bytes:
    _check_file(path)
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: str | Path, error: OSError) -> UnreadableImageError:
    return UnreadableImageError(
        f'{path}: cannot be read ({error.strerror}); check data_root, or prepare the data again'
    )
