"""Which kinds of files are opened at all, and what is asked of each before it is decoded."""

import io
import logging
import re
import struct
import warnings
from typing import BinaryIO

import cv2
from PIL import Image, ImageFile, UnidentifiedImageError

from ...base.errors import UserError
from .tiff import refuse_bands, refuse_pages, tags_of

#: The formats that are read, by Pillow's names, and how their files begin. Nothing else reaches a
#: decoder, whatever a file is called: Pillow has forty more, one of which (EPS) starts a program.
BEGINNINGS = re.compile(
    rb'(?P<JPEG>\xff\xd8\xff)|(?P<PNG>\x89PNG\r\n\x1a\n)|(?P<GIF>GIF8[79]a)|(?P<BMP>BM)'
    rb'|(?P<WEBP>RIFF.{4}WEBP)|(?P<TIFF>II[*+]\0|MM\0[*+])|(?P<PPM>P[1-6]\s)'
    rb'|(?P<AVIF>.{4}ftyp(?:avi[fs]|mif1|msf1))',
    re.DOTALL,
)
NAMES = 'JPEG, PNG, TIFF, WebP, AVIF, BMP, GIF and PNM'

#: Of a side, in pixels: what the formats of cameras can hold. Longer ones only fill the memory.
MAX_SIDE = 65_535

#: Of a picture. Pillow's own limit, which libraries are known to switch off.
MAX_PIXELS = 178_956_970

#: What decoders raise for damaged files.
DECODING_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    cv2.error,
    Image.DecompressionBombError,
)

# A damaged file becomes one message of ours; the decoders would print pages of their own.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
logging.getLogger('PIL').setLevel(logging.CRITICAL)
warnings.filterwarnings('ignore', module=r'PIL\.')


def format_of(file: BinaryIO) -> str:
    """Return which of the formats a file, which is at its beginning and stays there, is of.

    Raises:
        ValueError: the file is of no known kind.
    """
    found = BEGINNINGS.match(file.read(16))
    if found is None:
        raise ValueError(f'of no known kind; read are {NAMES}')
    file.seek(0)
    return found.lastgroup or ''


def open_picture(file: BinaryIO, first_page: bool = False) -> ImageFile.ImageFile:
    """Return the picture in a file, of which only the header has been read.

    Args:
        file: opened file, at its beginning; it has to stay open until the picture is decoded.
        first_page: whether the first of several pages is taken instead of refusing them.

    Raises:
        OSError, ValueError and others of ``DECODING_ERRORS``: the file is damaged, of no known
            kind, or has sides beyond the limits.
        UserError: the picture has more bands or pages than are read, or numbers that are no bytes.
    """
    kind = format_of(file)
    if kind == 'TIFF':
        refuse_bands(tags_of(file))  # of which Pillow would only say that it does not know them
        file.seek(0)
    try:
        picture = Image.open(file, formats=[kind])
    except UnidentifiedImageError:  # whose text has an address in memory, another each time
        raise ValueError(f'damaged, or of an unusual kind of {kind}') from None
    try:
        _refuse(picture, first_page)
    except BaseException:
        picture.close()
        raise
    return picture


def _refuse(picture: ImageFile.ImageFile, first_page: bool) -> None:
    width, height = picture.size
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ValueError(
            f'{width}x{height} exceeds limits of {MAX_SIDE:,} for a side and {MAX_PIXELS:,} pixels'
        )
    if first_page:
        return
    if picture.format == 'TIFF':
        refuse_pages(picture)
    # The further pictures in a photograph (MPO) are previews, second eyes or gain maps.
    elif picture.format not in ('JPEG', 'MPO') and getattr(picture, 'is_animated', False):
        raise UserError(
            f'{getattr(picture, "n_frames", "several")} pictures in one file, of which no more '
            'than one is read; save each as a file of its own'
        )
    if picture.format == 'PPM':
        _refuse_range(picture)


def _refuse_range(picture: ImageFile.ImageFile) -> None:
    """Refuse values that are no bytes: Pillow would stretch them, class numbers too."""
    codec, _, _, settings = picture.tile[0]
    maximum = settings[1] if codec.startswith('ppm') and isinstance(settings, tuple) else 255
    if maximum != 255 or picture.mode not in ('1', 'L', 'RGB'):
        raise UserError(f'a PNM whose largest value is {maximum}, not 255; save it as PNG')


def from_bytes(data: bytes, first_page: bool = False) -> ImageFile.ImageFile:
    """Return ``open_picture`` of the bytes of a file."""
    return open_picture(io.BytesIO(data), first_page)
