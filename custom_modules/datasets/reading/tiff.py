"""What the tags of a TIFF say about its samples and pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from ...base.errors import UserError

WIDTH, HEIGHT, BITS, PHOTOMETRIC, ORIENTATION = 256, 257, 258, 262, 274
BANDS, EXTRA_SAMPLES, SAMPLE_FORMAT, SUBFILE_TYPE = 277, 338, 339, 254
NO_DATA = 42113  # GDAL's

#: Values of tags.
REDUCED, ASSOCIATED_ALPHA, ALPHA = 1, 1, 2
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
WHITE_IS_ZERO, BLACK_IS_ZERO, RED_GREEN_BLUE = 0, 1, 2

#: Smaller copies of the picture that are passed over; files for maps have a dozen.
MAX_OVERVIEWS = 32


def tags_of(file: BinaryIO) -> Mapping[int, Any]:
    """Return the tags of the first page of a file that is at its beginning.

    Raises:
        OSError, ValueError, struct.error, SyntaxError: the tags are damaged.
    """
    beginning = file.read(8)
    big = 43 in (beginning[2], beginning[3])
    tags = TiffImagePlugin.ImageFileDirectory_v2(beginning + file.read(8 if big else 0))
    file.seek(tags.next)
    tags.load(file)
    return tags


def refuse_bands(tags: Mapping[int, Any]) -> None:
    """Refuse more bands than red, green, blue and one more, and bands of unlike depth.

    Raises:
        UserError: there are more than four bands, bands of unlike depth, or colours multiplied by
            an alpha band.
    """
    bands = tags.get(BANDS, 1)
    if bands > 4:
        raise UserError(
            f'the image has {bands} bands; set in_channels = {bands} in the config, or choose some '
            'for the network: image_reading = dict(bands=[1, 2, 3])'
        )
    _refuse_kinds(tags)


@dataclass(frozen=True)
class TiffHeader:
    """What the tags of the first page say.

    Attributes:
        stored_size: (H, W) as stored, in pixels.
        bands: number of values of a pixel.
        bits: bits of a value.
        says_extra: whether it is said what the bands beside grey or colours are.
        alpha: whether the last band is said to be transparency.
        exif: EXIF's number of the orientation, 1 (upright) to 8.
        photometric: tag that says what the values are.
        sample_format: tag that says which kind of numbers the values are.
        no_data: value that stands for none, as programs for maps write it; None where none does.
    """

    stored_size: tuple[int, int]
    bands: int
    bits: int
    says_extra: bool
    alpha: bool
    exif: int
    photometric: int
    sample_format: int
    no_data: float | None

    @property
    def has_plain_values(self) -> bool:
        """Whether the values are those of bands, without palette and other spaces of colours."""
        return self.photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO, RED_GREEN_BLUE)

    @property
    def numbers(self) -> str:
        """NumPy's name of the kind of values; bits below 8 are kept in 8."""
        kind = {FLOAT: 'float', SIGNED: 'int'}.get(self.sample_format, 'uint')
        return f'{kind}{max(8, self.bits)}'

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of the upright picture, in pixels."""
        return self.stored_size[::-1] if self.exif >= 5 else self.stored_size

    def with_black_as_zero(self, values: np.ndarray) -> np.ndarray:
        """Return values of which 0 is black.

        Raises:
            UserError: 0 is white, and the values are no bytes.
        """
        if self.photometric != WHITE_IS_ZERO:
            return values * np.uint8(255) if self.bits == 1 else values
        if self.bits == 1:
            return (1 - values) * np.uint8(255)
        if values.dtype == np.uint8 and self.bits == 8:
            return 255 - values
        raise UserError(f'{self.bits}-bit values of which 0 is white; save it with 0 as black')


def tiff_header(file: BinaryIO) -> TiffHeader:
    """Return what the tags of a file, which is at its beginning, say.

    Raises:
        OSError, ValueError and others of ``formats.DECODING_ERRORS``: the tags are damaged.
        UserError: bands are of unlike depth, or colours multiplied by an alpha band.
    """
    found = tags_of(file)
    _refuse_kinds(found)
    extra = found.get(EXTRA_SAMPLES, ())
    exif = found.get(ORIENTATION, 1)
    return TiffHeader(
        stored_size=(int(found[HEIGHT]), int(found[WIDTH])),
        bands=int(found.get(BANDS, 1)),
        bits=int(found.get(BITS, (1,))[0]),
        says_extra=bool(extra),
        alpha=bool(extra) and extra[-1] == ALPHA,
        exif=exif if exif in range(1, 9) else 1,
        photometric=int(found.get(PHOTOMETRIC, BLACK_IS_ZERO)),
        sample_format=int(found.get(SAMPLE_FORMAT, (UNSIGNED,))[0]),
        no_data=_number(found.get(NO_DATA)),
    )


def _number(text: object) -> float | None:
    try:
        return float(str(text).strip(' \0'))
    except ValueError:
        return None


def _refuse_kinds(tags: Mapping[int, Any]) -> None:
    bits = tags.get(BITS, (1,))
    if len(set(bits)) > 1:
        raise UserError(f'bands of {", ".join(map(str, bits))} bits; save them with 8 each')
    if ASSOCIATED_ALPHA in tags.get(EXTRA_SAMPLES, ()):
        raise UserError(
            'the colours are said to be multiplied by the last band (associated alpha); save it '
            'without that band'
        )


def is_unsigned(picture: Image.Image) -> bool:
    """Say whether the samples of a TIFF are whole numbers from 0 on."""
    return set(tags(picture).get(SAMPLE_FORMAT, (UNSIGNED,))) == {UNSIGNED}


def tags(picture: Image.Image) -> Mapping[int, Any]:
    """Return the tags of an opened picture; those of no TIFF are none."""
    return getattr(picture, 'tag_v2', {})


def refuse_pages(picture: Image.Image) -> None:
    """Refuse further pages; smaller copies of the first are none.

    Raises:
        UserError: there are more pages, or more smaller copies than ``MAX_OVERVIEWS``.
    """
    try:
        for number in range(1, MAX_OVERVIEWS + 2):
            try:
                picture.seek(number)
            except EOFError:
                return
            if not tags(picture).get(SUBFILE_TYPE, 0) & REDUCED:
                break
    finally:
        picture.seek(0)
    raise UserError(_several(getattr(picture, 'n_frames', 'several')))


def refuse_more_pages(pages: Any, most_overviews: int) -> None:
    """Refuse further pages of a file that tifffile has opened; smaller copies are none.

    Raises:
        UserError: there are more pages, or too many smaller copies.
    """
    for number in range(1, most_overviews + 2):
        try:
            page = pages[number]
        except IndexError:
            return
        if not page.is_reduced:
            break
    raise UserError(_several(len(pages)))


def _several(pages: object) -> str:
    return f'{pages} pages, of which no more than one is read; save each as a file of its own'
