"""What the header of a picture says of its bands, without its pixels."""

from dataclasses import dataclass
from pathlib import Path

from .colours import DEPTH_OF_PNG
from .formats import format_of, open_picture
from .orientation import upright_size
from .tiff import TiffHeader, tiff_header

#: Pillow's kinds of pixels that are not of three bands.
_BANDS = {'1': 1, 'L': 1, 'LA': 2, 'RGBA': 4, 'I;16': 1, 'I;16B': 1, 'I;16L': 1, 'I': 1, 'F': 1}


@dataclass(frozen=True)
class PictureHeader:
    """What a file holds.

    Attributes:
        size: (H, W) of the upright picture, in pixels.
        bands: number of values of a pixel, a transparency counted.
        alpha: whether the last band is said to be transparency; None where a fourth band of a TIFF
            is not said to be anything.
        numbers: NumPy's name of the kind of values, such as 'uint8' or 'float32'.
        no_data: value that stands for none; None where none does.
        is_tiff: whether the file is a TIFF, whose tags programs often write without thought.
    """

    size: tuple[int, int]
    bands: int
    alpha: bool | None
    numbers: str
    no_data: float | None = None
    is_tiff: bool = False


def read_header(path: Path) -> PictureHeader:
    """Return what the header of an image says.

    Raises:
        OSError, ValueError and others of ``formats.DECODING_ERRORS``: the file cannot be read.
        UserError: its kind is not read.
    """
    with path.open('rb') as file:
        if format_of(file) == 'TIFF':
            header = tiff_header(file)
            if header.has_plain_values:
                return _of_tiff(header)
            file.seek(0)
        with open_picture(file) as picture:
            bands = _BANDS.get(picture.mode, 3)
            deep = picture.mode.startswith('I;16')
            if picture.format == 'PNG':
                file.seek(DEPTH_OF_PNG)
                deep = file.read(1) == b'\x10'
            alpha = picture.mode in ('LA', 'RGBA')
            numbers = 'uint16' if deep else 'uint8'
            return PictureHeader(upright_size(picture), bands, alpha, numbers)


def _of_tiff(header: TiffHeader) -> PictureHeader:
    said = header.alpha or (None if header.bands == 4 and not header.says_extra else False)
    return PictureHeader(
        header.size, header.bands, said, header.numbers, header.no_data, is_tiff=True
    )
