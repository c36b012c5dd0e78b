"""Image and mask files."""

import io
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image

from custom_modules.datasets.image_io import read_image, read_mask, read_orientation

from .case import Case

Maker = Callable[[Path], None]

WIDTH, HEIGHT = 13, 9
PIXELS = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)

#: Left half dark, right half bright, so that a turned picture shows.
HALVES = np.repeat(np.where(np.arange(WIDTH) < WIDTH // 2, 0, 255)[None], HEIGHT, 0).astype(
    np.uint8
)


def encoded(
    file_format: str, mode: str = 'RGB', pixels: np.ndarray = PIXELS, **options: object
) -> bytes:
    """Return a small picture in a file format."""
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, file_format, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a part of a PNG."""
    checksum = struct.pack('>I', zlib.crc32(kind + data))
    return struct.pack('>I', len(data)) + kind + data + checksum


def png(width: int, height: int, depth: int, colour: int, rows: int) -> bytes:
    """Return a black PNG that says it has a size, with so many of its rows."""
    header = chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0))
    data = chunk(b'IDAT', zlib.compress(bytes(rows * (width * depth // 8 + 1)), 9))
    return b'\x89PNG\r\n\x1a\n' + header + data + chunk(b'IEND', b'')


def png_header(width: int, height: int) -> bytes:
    return png(width, height, 8, 2, 0)


def bomb() -> bytes:
    """Return 15,000 x 15,000 black pixels in 28 kB."""
    return png(15_000, 15_000, 1, 0, 15_000)


def put(content: bytes | Callable[[], bytes], name: str = 'photo.jpg') -> Maker:
    def make(folder: Path) -> None:
        (folder / name).write_bytes(content() if callable(content) else content)

    return make


def image_row(make: Maker, name: str = 'photo.jpg') -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        make(folder)
        image = read_image(folder / name)
        assert image.dtype == np.uint8 and image.shape[2] == 3
        assert read_orientation(folder / name).size == image.shape[:2]
        left, right = float(image[:, 0].mean()), float(image[:, -1].mean())
        bright = ', left darker than right' if right - left > 100 else ''
        return f'{image.shape[1]}x{image.shape[0]}, three channels{bright}'

    return run


def mask_row(make: Maker, name: str = 'mask.png') -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        make(folder)
        values = read_mask(folder / name)
        return f'{values.shape[1]}x{values.shape[0]}, values {sorted(set(values.ravel().tolist()))}'

    return run


def _exif(orientation: int) -> bytes:
    """Return HALVES stored so that the orientation turns it upright."""
    undo = {
        3: np.rot90(HALVES, 2),
        6: np.rot90(HALVES),
        8: np.rot90(HALVES, -1),
        2: HALVES[:, ::-1],
    }
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    pixels = np.ascontiguousarray(undo[orientation])
    return encoded('JPEG', 'L', pixels, exif=exif, quality=95)


def _pipe(folder: Path) -> None:
    os.mkfifo(folder / 'photo.jpg')


def _link(target: str) -> Maker:
    return lambda folder: (folder / 'photo.jpg').symlink_to(target)


def _sparse(folder: Path) -> None:
    with open(folder / 'photo.jpg', 'wb') as file:
        file.truncate(3 << 30)


WHOLE = {kind: encoded(kind) for kind in ('JPEG', 'PNG', 'BMP', 'GIF', 'TIFF', 'WEBP')}
#: Where the pixels of a file begin: cut before, a file has no picture.
NOTHING = b'\0' * 64

THREE = f'{WIDTH}x{HEIGHT}, three channels'
UPRIGHT = f'{THREE}, left darker than right'

REFUSED_IMAGES: dict[str, tuple[Maker, str]] = {
    'empty file': (put(b''), 'the file is empty'),
    'missing file': (lambda _: None, 'cannot be read (No such file'),
    'folder of that name': (lambda f: (f / 'photo.jpg').mkdir(), 'no file'),
    'pipe': (_pipe, 'no file'),
    'link to an endless device': (_link('/dev/zero'), 'no file'),
    'link to nothing': (_link('nowhere.jpg'), 'cannot be read (No such file'),
    'link to itself': (_link('photo.jpg'), 'cannot be read (Too many levels'),
    'three gigabytes of nothing': (_sparse, 'are no picture, at most 1,024 are read'),
    'text': (put(b'hello, I am a picture\n'), 'not a readable image'),
    'HTML page of a login': (put(b'<!DOCTYPE html><html>Sign in</html>'), 'not a readable image'),
    'PDF': (put(b'%PDF-1.7\n%\xe2\xe3\xcf\xd3\n'), 'not a readable image'),
    'ZIP': (put(b'PK\x03\x04' + bytes(60)), 'not a readable image'),
    'program': (put(b'\x7fELF\x02\x01\x01' + bytes(60)), 'not a readable image'),
    'SVG': (put(b'<svg xmlns="http://www.w3.org/2000/svg"/>'), 'not a readable image'),
    'zeros': (put(bytes(4096)), 'not a readable image'),
    'PNG of 100,000 x 100,000 by its header': (
        put(png_header(100_000, 100_000)),
        'exceeds limit',
    ),
    'PNG of 2 billion x 1 by its header': (put(png_header(2**31 - 1, 1)), 'not a readable image'),
    'PNG of 0 x 0': (put(png_header(0, 0)), 'not a readable image'),
    'decompression bomb of 225 million pixels in 28 kB': (put(bomb), 'exceeds limit'),
    **{
        f'{kind}, {what}': (put(content), 'not a readable image')
        for kind, whole in WHOLE.items()
        for what, content in (
            ('only its first 8 bytes', whole[:8]),
            ('its first 20 bytes, then zeros', whole[:20] + bytes(len(whole))),
        )
    },
}

READ_IMAGES: dict[str, tuple[Maker, str]] = {
    'one pixel': (put(encoded('PNG', pixels=PIXELS[:1, :1])), '1x1, three channels'),
    'one row of 5,000 pixels': (
        put(encoded('PNG', pixels=np.zeros((1, 5000, 3), np.uint8))),
        '5000x1, three channels',
    ),
    'grey JPEG': (put(encoded('JPEG', 'L')), THREE),
    'grey PNG with transparency': (put(encoded('PNG', 'LA')), THREE),
    'RGBA PNG': (put(encoded('PNG', 'RGBA')), THREE),
    'palette PNG': (put(encoded('PNG', 'P')), THREE),
    '1-bit PNG': (put(encoded('PNG', '1')), THREE),
    '16-bit grey PNG': (
        put(cv2.imencode('.png', (HALVES.astype(np.uint16) * 257))[1].tobytes()),
        UPRIGHT,
    ),
    '16-bit colour PNG': (
        put(cv2.imencode('.png', (PIXELS.astype(np.uint16) * 257))[1].tobytes()),
        THREE,
    ),
    'CMYK JPEG': (put(encoded('JPEG', 'CMYK')), THREE),
    'YCbCr JPEG': (put(encoded('JPEG', 'YCbCr')), THREE),
    'progressive JPEG': (put(encoded('JPEG', progressive=True)), THREE),
    'JPEG with rubbish after its end': (put(WHOLE['JPEG'] + b'rubbish'), THREE),
    'GIF named .jpg': (put(WHOLE['GIF']), THREE),
    'PNG named .jpg': (put(WHOLE['PNG']), THREE),
    'WebP named .jpg': (put(WHOLE['WEBP']), THREE),
    'TIFF named .jpg': (put(WHOLE['TIFF']), THREE),
    'BMP named .jpg': (put(WHOLE['BMP']), THREE),
    **{
        f'JPEG to be turned (EXIF orientation {number})': (put(_exif(number)), UPRIGHT)
        for number in (2, 3, 6, 8)
    },
}

NAMES = (
    'a photo of my cat.jpg',
    'Käthe.jpg',
    '猫.jpg',
    'x' * 200 + '.jpg',
    "it's (1).jpg",
    'a\nb.jpg',
)

GREY = np.array([[1, 2, 3, 2]] * 3, np.uint8)


def _png(values: np.ndarray, mode: str | None = None, **options: object) -> Maker:
    file = io.BytesIO()
    picture = Image.fromarray(values)
    (picture.convert(mode) if mode else picture).save(file, 'PNG', **options)
    return put(file.getvalue(), 'mask.png')


def _palette() -> Maker:
    picture = Image.fromarray(GREY, 'P')
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    file = io.BytesIO()
    picture.save(file, 'PNG')
    return put(file.getvalue(), 'mask.png')


COLOURS = np.stack([GREY, GREY + 50, GREY], -1)

MASKS: dict[str, tuple[Maker, str, str]] = {
    'empty file': (put(b'', 'mask.png'), 'the file is empty', ''),
    'missing file': (lambda _: None, 'cannot be read', ''),
    'text': (put(b'mask', 'mask.png'), 'not a readable mask', ''),
    'PNG cut in half': (
        put(encoded('PNG', 'L')[:60], 'mask.png'),
        'not a readable mask',
        '',
    ),
    'colours': (_png(COLOURS), 'a colour image, not a mask', ''),
    'colours with transparency': (_png(COLOURS, 'RGBA'), 'a colour image, not a mask', ''),
    '16-bit values above 255': (_png(GREY.astype(np.uint16) * 300), 'a mask holds 0 to 255', ''),
    'decompression bomb': (put(bomb, 'mask.png'), 'exceeds limit', ''),
    'palette': (_palette(), '', '4x3, values [1, 2, 3]'),
    '1 bit': (_png(GREY > 1), '', '4x3, values [0, 1]'),
    'grey in three channels': (_png(np.stack([GREY] * 3, -1)), '', '4x3, values [1, 2, 3]'),
    'grey with transparency': (_png(GREY, 'LA'), '', '4x3, values [1, 2, 3]'),
    '16-bit values up to 255': (_png(GREY.astype(np.uint16)), '', '4x3, values [1, 2, 3]'),
}

IMAGES = (
    *(
        Case('image', name, image_row(make), refused=said)
        for name, (make, said) in REFUSED_IMAGES.items()
    ),
    *(Case('image', name, image_row(make), read=out) for name, (make, out) in READ_IMAGES.items()),
    *(
        Case('image', f'named {name[:20]!r}', image_row(put(WHOLE['JPEG'], name), name), read=THREE)
        for name in NAMES
    ),
    *(
        Case('mask', name, mask_row(make), refused=said, read=out)
        for name, (make, said, out) in MASKS.items()
    ),
)
