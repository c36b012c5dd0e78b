"""The values of a picture as its file holds them: any number of bands, any kind of numbers."""

import io
import logging
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from ...base.errors import UserError
from .colours import is_16_bit, to_bgr, values_16_bit
from .formats import MAX_PIXELS, MAX_SIDE, format_of, from_bytes
from .jpeg import decode_jpeg
from .orientation import orientation_of, turn_upright, turned_by_decoder
from .tiff import MAX_OVERVIEWS, TiffHeader, refuse_more_pages, tiff_header

#: Pillow's kinds of pixels whose arrays are what is stored.
GREY_OR_COLOURS = ('L', 'LA', 'RGB', 'RGBA')

#: Of the values of one picture, in memory.
MAX_BYTES = 2 << 30


@dataclass(frozen=True)
class Bands:
    """What is in a file.

    Attributes:
        values: (H, W, B) numbers of any kind, upright, red before green before blue.
        alpha: whether the last band is said to be transparency.
        exif: EXIF's number of the orientation of the file, 1 (upright) to 8.
    """

    values: np.ndarray
    alpha: bool
    exif: int


def read_bands(data: bytes, as_published: bool = False) -> Bands:
    """Return the values in the bytes of a file.

    Args:
        data: content of the file.
        as_published: whether to take what can be decoded of a damaged JPEG.

    Raises:
        OSError, ValueError and others of ``formats.DECODING_ERRORS``: the bytes cannot be decoded.
        UserError: there are several pictures, or values that are no numbers of bands.
    """
    if format_of(io.BytesIO(data)) == 'TIFF':
        header = tiff_header(io.BytesIO(data))
        if header.has_plain_values:
            values = _upright(_tiff_values(data, header), header.exif)
            return Bands(values, header.alpha, header.exif)
    with from_bytes(data, as_published) as picture:
        exif = orientation_of(picture)
        if picture.format in ('JPEG', 'MPO'):
            values = decode_jpeg(data, 'GRAY' if picture.mode == 'L' else 'RGB', as_published)
        else:
            values = _picture_values(picture, data)
        turned = turned_by_decoder(picture)
    alpha = values.ndim == 3 and values.shape[2] in (2, 4)
    return Bands(values if turned else _upright(values, exif), alpha, exif)


def _upright(values: np.ndarray, exif: int) -> np.ndarray:
    values = values[..., None] if values.ndim == 2 else values
    return np.ascontiguousarray(turn_upright(values, exif))


def _picture_values(picture: Image.Image, data: bytes) -> np.ndarray:
    """Return what Pillow and OpenCV decode, (H, W) or (H, W, B), with its transparency."""
    if is_16_bit(picture, data):
        values = values_16_bit(picture, data)
        if values.ndim == 3:
            order = cv2.COLOR_BGRA2RGBA if values.shape[2] == 4 else cv2.COLOR_BGR2RGB
            values = cv2.cvtColor(values, order)
        return values
    palette = 'transparency' in picture.info  # without which the mode says that there is none
    if picture.mode in GREY_OR_COLOURS and picture.format != 'AVIF' and not palette:
        return np.asarray(picture)
    return np.ascontiguousarray(to_bgr(picture, data)[..., ::-1])


def _tiff_values(data: bytes, header: TiffHeader) -> np.ndarray:
    """Return the values of a TIFF, (H, W, B), as they are stored."""
    import tifffile  # read by few, and a tenth of a second

    logging.getLogger('tifffile').setLevel(logging.CRITICAL)
    height, width = header.stored_size
    if max(header.stored_size) > MAX_SIDE or height * width > MAX_PIXELS:
        raise ValueError(
            f'{width}x{height} exceeds limits of {MAX_SIDE:,} for a side and {MAX_PIXELS:,} pixels'
        )
    if height * width * header.bands * header.bits // 8 > MAX_BYTES:
        raise ValueError(f'its values are more than the limit of {MAX_BYTES >> 30} GiB')
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            refuse_more_pages(file.pages, MAX_OVERVIEWS)
            page = file.pages[0]
            values = page.asarray(maxworkers=1)
            axes = page.axes
    except UserError:
        raise
    except MemoryError:
        raise
    except Exception as error:  # of tifffile and of its decoders, without a common base
        raise ValueError(f'damaged, or of an unusual kind of TIFF: {error}') from None
    if axes == 'SYX':
        values = np.moveaxis(values, 0, -1)
    elif axes not in ('YX', 'YXS'):
        raise UserError(f'a TIFF with the axes {axes}, not one picture; save it as one per file')
    if values.shape[:2] != header.stored_size or values.dtype.kind not in 'buif':
        raise ValueError(f'values of the kind {values.dtype} and the shape {values.shape}')
    return header.with_black_as_zero(values)
