"""What the tags of a TIFF say about its samples and pages."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from PIL import Image, TiffImagePlugin

from ...base.errors import UserError

BITS, PHOTOMETRIC, BANDS, EXTRA_SAMPLES, SAMPLE_FORMAT = 258, 262, 277, 338, 339
SUBFILE_TYPE = 254

#: Values of tags.
REDUCED, ASSOCIATED_ALPHA, UNSIGNED, WHITE_IS_ZERO = 1, 1, 1, 0

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
    bands, bits = tags.get(BANDS, 1), tags.get(BITS, (1,))
    if bands > 4:
        raise UserError(
            f'{bands} bands; 1, 3 or 4 are read. Save the three that the network is to see as one '
            'picture'
        )
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
    raise UserError(
        f'{getattr(picture, "n_frames", "several")} pages, of which no more than one is read; '
        'save each as a file of its own'
    )
