"""Pictures that are read wrongly if nobody asks what their numbers, pages and turns mean."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin

from custom_modules.datasets.transforms.loading import LoadImage, LoadMask

from .case import Case
from .images import (
    GREY,
    HALVES,
    HEIGHT,
    PIXELS,
    THREE,
    UPRIGHT,
    WIDTH,
    Maker,
    chunk,
    encoded,
    image_row,
    mask_row,
    png,
    put,
)

BRIGHT = np.random.default_rng(1).integers(0, 65_536, (HEIGHT, WIDTH, 3), np.uint16)
NOISE = np.random.default_rng(2).integers(0, 256, (64, 64, 3), np.uint8)


def saved(picture: Image.Image, file_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, file_format, **options)
    return file.getvalue()


def by_opencv(suffix: str, values: np.ndarray) -> bytes:
    return cv2.imencode(suffix, values)[1].tobytes()


def tiff(values: np.ndarray, sample_format: int = 1, photometric: int = 1, **tags: object) -> bytes:
    """Return an uncompressed TIFF of (H, W) or (H, W, bands) values, written tag by tag."""
    values = values[..., None] if values.ndim == 2 else values
    height, width, bands = values.shape
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory[256], directory[257], directory[259] = width, height, 1
    directory[258] = (values.dtype.itemsize * 8,) * bands
    directory[262], directory[277], directory[278] = photometric, bands, height
    directory[339] = (sample_format,) * bands
    directory[279] = values.nbytes
    if bands > 3:
        directory[338] = tags.get('extra', (0,) * (bands - 3))
    directory[273] = 0  # behind the tags
    return b'II*\0' + struct.pack('<I', 8) + directory.tobytes(8) + values.tobytes()


def several(file_format: str, **options: object) -> bytes:
    frames = [Image.fromarray(pixels) for pixels in (PIXELS, 255 - PIXELS)]
    return saved(frames[0], file_format, save_all=True, append_images=frames[1:], **options)


def with_overview() -> bytes:
    file = io.BytesIO()
    with TiffImagePlugin.AppendingTiffWriter(file, True) as writer:
        Image.fromarray(PIXELS).save(writer, 'TIFF')
        writer.newFrame()
        small = Image.fromarray(np.ascontiguousarray(PIXELS[::2, ::2]))
        small.save(writer, 'TIFF', tiffinfo={254: 1})
        writer.newFrame()
    return file.getvalue()


def turned(file_format: str, orientation: int, pixels: np.ndarray, **options: object) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return saved(Image.fromarray(pixels), file_format, exif=exif, **options)


def exif_in_words() -> bytes:
    """Return EXIF whose orientation is a text."""
    directory = TiffImagePlugin.ImageFileDirectory_v2()
    directory.tagtype[ExifTags.Base.Orientation] = 2
    directory[ExifTags.Base.Orientation] = 'top left'
    return b'Exif\0\0II*\0' + struct.pack('<I', 8) + directory.tobytes(8)


def scan_bomb() -> bytes:
    """Return a progressive JPEG that says its last scan again and again."""
    whole = encoded('JPEG', progressive=True, pixels=NOISE)
    last = whole.rindex(b'\xff\xda')
    return whole[:last] + whole[last:-2] * 2_000 + b'\xff\xd9'


def jpeg_with(middle: bytes, skip: int = 0) -> bytes:
    whole = encoded('JPEG', pixels=NOISE)
    half = len(whole) // 2
    return whole[:half] + middle + whole[half + skip :]


#: ``turned`` by EXIF 6: a quarter to the right makes it upright.
QUARTER = np.ascontiguousarray(np.rot90(HALVES))
POSTSCRIPT = b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(x) run\n%%EOF\n'
SMALL = (112 + GREY.astype(np.uint16) * 70).repeat(20, 0)
HOT = SMALL.copy()
HOT[0, 0] = 65_535
KINDLESS = 'of no known kind'

REFUSED: dict[str, tuple[bytes | Callable[[], bytes], str]] = {
    'EPS, for which Pillow starts Ghostscript': (POSTSCRIPT, KINDLESS),
    'EPS with a preview': (b'\xc5\xd0\xd3\xc6' + bytes(28) + POSTSCRIPT, KINDLESS),
    'Photoshop': (b'8BPS\0\1' + bytes(40), KINDLESS),
    'Windows icon': (encoded('ICO'), KINDLESS),
    'TGA, which has no beginning': (encoded('TGA'), KINDLESS),
    'SGI': (encoded('SGI'), KINDLESS),
    'JPEG 2000': (encoded('JPEG2000'), KINDLESS),
    '16-bit grey PNG from 182 to 322': (
        by_opencv('.png', SMALL),
        '16-bit values from 182 to 322',
    ),
    '16-bit grey TIFF from 182 to 322': (tiff(SMALL), '16-bit values from 182 to 322'),
    '16-bit grey with one hot pixel': (by_opencv('.png', HOT), '16-bit values from 182 to 65,535'),
    '16-bit colours of 12 bits': (by_opencv('.png', BRIGHT >> 4), '16-bit values from'),
    '16-bit colours of 12 bits in a TIFF': (by_opencv('.tiff', BRIGHT >> 4), '16-bit values from'),
    '16-bit colours that are dark, opaque': (
        by_opencv('.png', np.dstack([BRIGHT >> 4, np.full_like(BRIGHT[..., :1], 65_535)])),
        '16-bit values from',
    ),
    '16-bit TIFF of which 0 is white': (tiff(BRIGHT[..., 0], photometric=0), '0 is white'),
    'floating-point TIFF from 0 to 1': (
        tiff(np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4), 3),
        'floating-point values from 0 to 1',
    ),
    'floating-point colours': (
        by_opencv('.tiff', PIXELS.astype(np.float32)),
        'not a readable image',
    ),
    '32-bit integers': (tiff(GREY.astype(np.uint32)), '32-bit values from 1 to 3'),
    'signed 16-bit integers': (tiff(GREY.astype(np.int16) - 2, 2), 'signed'),
    'signed 8-bit integers': (tiff(GREY.astype(np.int8) - 2, 2), 'signed'),
    'eight bands': (tiff(np.tile(PIXELS, 3)[..., :8], photometric=2), '8 bands'),
    'colours multiplied by the fourth band': (
        tiff(np.tile(PIXELS, 2)[..., :4], photometric=2, extra=(1,)),
        'associated alpha',
    ),
    'TIFF of two pages': (several('TIFF'), '2 pages, of which no more than one is read'),
    'animated GIF': (several('GIF'), '2 pictures in one file'),
    'animated PNG': (several('PNG'), '2 pictures in one file'),
    'animated WebP': (several('WEBP'), '2 pictures in one file'),
    'animated AVIF': (several('AVIF'), '2 pictures in one file'),
    'PNM of 12 bits': (b'P6\n1 1\n4095\n' + bytes(6), 'whose largest value is 4095'),
    'JPEG, a stretch inside is zeros': (jpeg_with(bytes(200), 200), 'Corrupt JPEG data'),
    'JPEG, a stretch inside is missing': (jpeg_with(b'', 300), 'Corrupt JPEG data'),
    'JPEG, its second half is missing but not its end': (
        lambda: jpeg_with(b'\xff\xd9', 10**6),
        'Corrupt JPEG data',
    ),
    'JPEG that says one scan 2,000 times': (scan_bomb, 'more than 100 scans'),
    'one row of 70,000 pixels': (png(70_000, 1, 8, 0, 1), 'exceeds limits'),
    'one column of 40 million pixels': (png(1, 40_000_000, 8, 0, 1), 'exceeds limits'),
}

READ: dict[str, tuple[bytes, str]] = {
    '16-bit black': (by_opencv('.png', np.zeros((HEIGHT, WIDTH), np.uint16)), THREE),
    '16-bit grey TIFF that uses its range': (tiff(HALVES.astype(np.uint16) * 257), UPRIGHT),
    '16-bit colour TIFF that uses its range': (by_opencv('.tiff', BRIGHT), THREE),
    '8-bit TIFF of which 0 is white': (tiff(255 - HALVES, photometric=0), UPRIGHT),
    'red, green, blue and infrared': (tiff(np.tile(PIXELS, 2)[..., :4], photometric=2), THREE),
    'TIFF with a smaller copy of itself': (with_overview(), THREE),
    'photograph with a second one (MPO)': (several('MPO'), THREE),
    'PNM of 8 bits': (encoded('PPM'), THREE),
    'EXIF orientation 9': (turned('JPEG', 9, HALVES), UPRIGHT),
    'EXIF orientation 0': (turned('JPEG', 0, HALVES), UPRIGHT),
    'EXIF orientation in words': (encoded('JPEG', 'L', HALVES, exif=exif_in_words()), UPRIGHT),
    'EXIF of rubbish': (
        encoded('JPEG', 'L', HALVES, exif=b'Exif\0\0II*\0' + b'\xff' * 30),
        UPRIGHT,
    ),
    'PNG to be turned': (turned('PNG', 6, QUARTER), UPRIGHT),
    'TIFF to be turned': (turned('TIFF', 6, QUARTER), UPRIGHT),
    'WebP to be turned': (turned('WEBP', 6, QUARTER), UPRIGHT),
    'AVIF to be turned': (turned('AVIF', 6, QUARTER), UPRIGHT),
}

CLASSES = '4x3, values [1, 2, 3]'
BINARY = np.array([[0, 1, 1, 0]] * 3, np.uint8)
OPAQUE = np.full((3, 4), 255, np.uint8)


def with_palette(indices: np.ndarray, *colours: tuple[int, ...], **options: object) -> bytes:
    picture = Image.fromarray(indices, 'P')
    picture.putpalette([level for colour in colours for level in colour])
    return saved(picture, 'PNG', **options)


def with_alpha(grey: np.ndarray, alpha: np.ndarray) -> bytes:
    return saved(Image.fromarray(np.dstack([grey, grey, grey, alpha])), 'PNG')


def two_colours_of_four() -> bytes:
    """Return a PNG of the indices 0 to 3 whose palette is white and red."""
    header = chunk(b'IHDR', struct.pack('>IIBBBBB', 4, 1, 8, 3, 0, 0, 0))
    palette = chunk(b'PLTE', bytes([*WHITE, *RED]))
    data = chunk(b'IDAT', zlib.compress(b'\0\0\1\2\3'))
    return b'\x89PNG\r\n\x1a\n' + header + palette + data + chunk(b'IEND', b'')


BLACK, WHITE, RED, DARK = (0,) * 3, (255,) * 3, (255, 0, 0), (128,) * 3

MASKS: dict[str, tuple[bytes, str, str]] = {
    'EPS': (POSTSCRIPT, KINDLESS, ''),
    'floating-point values of a half': (tiff(BINARY * np.float32(0.5), 3), 'such as 0.5', ''),
    'floating-point values of 0 and 1': (
        tiff(BINARY.astype(np.float32), 3),
        '',
        '4x3, values [0, 1]',
    ),
    'floating-point values that are no numbers': (
        tiff(BINARY * np.float32('nan'), 3),
        'a mask holds 0 to 255',
        '',
    ),
    'negative 8-bit values': (tiff(GREY.astype(np.int8) - 2, 2), 'values from -1 to 1', ''),
    '16-bit grey in three channels': (
        by_opencv('.png', np.dstack([GREY.astype(np.uint16)] * 3)),
        '',
        CLASSES,
    ),
    'numbers of objects from 300 on': (
        tiff(300 + GREY.astype(np.uint16)),
        'numbers of objects',
        '',
    ),
    'drawn in transparency alone': (with_alpha(0 * GREY, 255 * BINARY), '', '4x3, values [0, 255]'),
    'drawn in white and in transparency': (
        with_alpha(255 * BINARY, 255 * BINARY),
        '',
        '4x3, values [0, 255]',
    ),
    'transparent everywhere': (with_alpha(OPAQUE, 0 * GREY), '', '4x3, values [0]'),
    'one thing in grey, another in transparency': (
        with_alpha(GREY, 255 * BINARY),
        'either could be the mask',
        '',
    ),
    'palette, black and white': (with_palette(BINARY, BLACK, WHITE), '', '4x3, values [0, 1]'),
    'palette, white and black, all of it white': (
        with_palette(0 * BINARY, WHITE, BLACK),
        '',
        '4x3, values [1]',
    ),
    'palette in greys that are no classes': (
        with_palette(GREY - 1, BLACK, DARK, WHITE),
        'shows the indices 0, 1, 2 in the greys 0, 128, 255',
        '',
    ),
    'palette that is black throughout': (
        with_palette(BINARY, BLACK, BLACK),
        'shows the indices 0, 1 in the greys 0, 0',
        '',
    ),
    'palette, red and black': (with_palette(BINARY, RED, BLACK), 'index 1 in black', ''),
    'palette, black and red': (with_palette(BINARY, BLACK, RED), '', '4x3, values [0, 1]'),
    'palette, white and red': (with_palette(BINARY, WHITE, RED), '', '4x3, values [0, 1]'),
    'palette of VOC with its border of 255': (
        with_palette(
            np.where(BINARY, 255, 8).astype(np.uint8), *[(k, 255 - k, 9) for k in range(256)]
        ),
        '',
        '4x3, values [8, 255]',
    ),
    'palette, transparent white and black': (
        with_palette(BINARY, WHITE, BLACK, transparency=0),
        'either could be the mask',
        '',
    ),
    'palette of two colours, an index of three': (
        two_colours_of_four(),
        'index 3 is not in its palette',
        '',
    ),
    'CMYK': (saved(Image.fromarray(GREY).convert('CMYK'), 'TIFF'), 'not a mask', ''),
    'two pages': (several('TIFF'), '2 pages', ''),
    'PNM of values up to 3': (b'P5\n4 1\n3\n\0\1\2\3', 'whose largest value is 3', ''),
    'JPEG, damaged inside': (jpeg_with(bytes(200), 200), 'Corrupt JPEG data', ''),
}


def with_image(
    image: tuple[np.ndarray, int], mask: tuple[np.ndarray, int]
) -> Callable[[Path], str]:
    """Return what loads a pair as a training does and says where its mask is foreground."""

    def run(folder: Path) -> str:
        for name, (pixels, orientation) in (('image', image), ('mask', mask)):
            plain = orientation == 1
            data = (
                saved(Image.fromarray(pixels), 'PNG')
                if plain
                else turned('PNG', orientation, pixels)
            )
            (folder / f'{name}.png').write_bytes(data)
        results = LoadImage()(
            dict(
                img_path=str(folder / 'image.png'),
                seg_map_path=str(folder / 'mask.png'),
                mask_encodings=[{0: 0, 255: 1}],
            )
        )
        found = LoadMask()(results)
        same = np.array_equal(found['gt_seg_map'] > 0, found['img'][..., 0] > 0)
        return 'foreground where the image is bright' if same else 'elsewhere'

    return run


SQUARE = np.ascontiguousarray(HALVES[:, :HEIGHT])
FITS = 'foreground where the image is bright'
MIRRORED = np.ascontiguousarray(HALVES[:, ::-1])

PAIRS: dict[str, tuple[tuple[np.ndarray, int], tuple[np.ndarray, int], str, str]] = {
    'image to be turned, mask as it is stored': ((QUARTER, 6), (QUARTER, 1), '', FITS),
    'image to be turned, mask upright': ((QUARTER, 6), (HALVES, 1), '', FITS),
    'both to be turned': ((QUARTER, 6), (QUARTER, 6), '', FITS),
    'both upside down': ((MIRRORED, 3), (MIRRORED, 3), '', FITS),
    'square image to be turned': ((SQUARE, 6), (SQUARE, 1), 'orientation 6 and the mask none', ''),
    'image upside down, mask without a word': (
        (MIRRORED, 3),
        (HALVES, 1),
        'orientation 3 and the mask none',
        '',
    ),
    'mirrored image, mask without a word': (
        (MIRRORED, 2),
        (HALVES, 1),
        'orientation 2 and the mask none',
        '',
    ),
    'mask to be turned, image upright': (
        (HALVES, 1),
        (QUARTER, 6),
        'EXIF orientation 6, its image',
        '',
    ),
    'orientation that does not exist': ((HALVES, 9), (HALVES, 1), '', FITS),
}


def _mask(content: bytes) -> Maker:
    return put(content, 'mask.png')


KINDS_OF_PICTURES = (
    *(
        Case('image: kinds of files', n, image_row(put(content)), refused=said)
        for n, (content, said) in REFUSED.items()
    ),
    *(
        Case('image: kinds of files', n, image_row(put(content)), read=out)
        for n, (content, out) in READ.items()
    ),
    *(
        Case('mask: kinds of values', n, mask_row(_mask(content)), refused=said, read=out)
        for n, (content, said, out) in MASKS.items()
    ),
    *(
        Case('image with its mask', n, with_image(image, mask), refused=said, read=out)
        for n, (image, mask, said, out) in PAIRS.items()
    ),
)
