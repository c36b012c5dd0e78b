"""Rules of reading that cannot be, and images that are not as a rule has them."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from custom_modules.datasets.image_io import read_image
from custom_modules.datasets.image_reading import ImageReading
from custom_modules.prediction.images import pixels_of
from custom_modules.preparation.images import survey_images

from .case import Case
from .images import GREY, HEIGHT, PIXELS, WIDTH, encoded, put
from .kinds_of_pictures import by_opencv, saved, tiff

FLOATS = GREY.astype(np.float32) / 2
DEEP = np.arange(100, 100 + HEIGHT * WIDTH, dtype=np.uint16).reshape(HEIGHT, WIDTH)
EIGHT = np.tile(PIXELS, 3)[..., :8]
ONE, FOUR = dict(channels=1), dict(channels=4)


def _rule(settings: object) -> Callable[[Path], str]:
    return lambda _: str(ImageReading.of(settings))  # type: ignore[arg-type]


def _read(content: bytes | Callable[[], bytes], settings: dict) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        put(content, 'photo.tif')(folder)
        image = read_image(folder / 'photo.tif', ImageReading.of(settings))
        return f'{"x".join(map(str, image.shape))}, {image.min()} to {image.max()}'

    return run


def _array(values: object, settings: dict) -> Callable[[Path], str]:
    def run(_: Path) -> str:
        image = pixels_of(values, ImageReading.of(settings))  # type: ignore[arg-type]
        return f'{"x".join(map(str, image.shape))}, {image.min()} to {image.max()}'

    return run


def _survey(*contents: bytes) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        paths = []
        for number, content in enumerate(contents):
            put(content, f'{number}.tif')(folder)
            paths.append(folder / f'{number}.tif')
        return '; '.join(survey_images(paths, lambda _: None).config_lines) or 'nothing to write'

    return run


def _nan() -> np.ndarray:
    values = FLOATS.copy()
    values[1, :2] = np.nan
    return values


def _pages() -> bytes:
    pages = [Image.fromarray(GREY + number) for number in range(3)]
    return saved(pages[0], 'TIFF', save_all=True, append_images=pages[1:])


def _broken() -> bytes:
    return tiff(EIGHT)[:-40]


def _vast() -> bytes:
    """Return eight bands that say to be a thousand times as high as they are."""
    tag = struct.pack('<HHI', 257, 4, 1)  # its height, a number of four bytes
    return tiff(EIGHT).replace(
        tag + struct.pack('<I', HEIGHT), tag + struct.pack('<I', 1000 * HEIGHT)
    )


RULES: dict[str, tuple[object, str]] = {
    'limits that are reversed': (dict(ONE, limits=(300, 100)), 'the lower value comes first'),
    'limits that are equal': (dict(ONE, limits=(5, 5)), 'the two differ'),
    'limits of one number': (dict(ONE, limits=(5,)), 'use (low, high)'),
    'limits that are text': (dict(ONE, limits='0 to 255'), 'use (low, high)'),
    'limits with infinity': (dict(ONE, limits=(0, float('inf'))), 'use (low, high)'),
    'limits with no number': (dict(ONE, limits=(float('nan'), 1)), 'use (low, high)'),
    'limits of an integer that no float holds': (dict(ONE, limits=(0, 10**400)), 'use (low, high)'),
    'two pairs of limits for four channels': (
        dict(FOUR, limits=[(0, 1), (0, 1)]),
        '2 pairs of limits for 4 channels',
    ),
    'no channels': (dict(channels=0), 'use an integer from 1 to 512'),
    'a channel and a half': (dict(channels=1.5), 'use an integer from 1 to 512'),
    'more channels than OpenCV takes': (dict(channels=513), 'use an integer from 1 to 512'),
    'true as a number of channels': (dict(channels=True), 'use an integer from 1 to 512'),
    'a band 0': (dict(ONE, bands=[0]), 'counted from 1'),
    'two bands for one channel': (dict(ONE, bands=[1, 2]), 'set in_channels = 2'),
    'bands that are a number': (dict(ONE, bands=2), 'use a list of numbers'),
    'a key that is misspelt': (dict(ONE, limit=(0, 1)), "image_reading has no 'limit'"),
}

FILES: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'eight bands for four channels': (
        _read(tiff(EIGHT), FOUR),
        'has 8 bands, and in_channels = 4 asks for 4; set in_channels = 8, or choose some: '
        'image_reading = dict(bands=[1, 2, 3, 4])',
        '',
    ),
    'grey for four channels': (_read(tiff(GREY), FOUR), 'has 1 band, and in_channels = 4', ''),
    'a photograph for four channels': (
        _read(encoded('JPEG'), FOUR),
        'has 3 bands, and in_channels = 4',
        '',
    ),
    'a ninth band of eight': (
        _read(tiff(EIGHT), dict(ONE, bands=[9])),
        'has 8 bands, and image_reading takes the bands 9',
        '',
    ),
    'eight bands for colours': (_read(tiff(EIGHT), {}), 'set in_channels = 8 in the config', ''),
    'floating point with a hole (NaN)': (
        _read(tiff(_nan(), 3), dict(ONE, limits=(0, 1))),
        '2 of its 12 values are no numbers (NaN)',
        '',
    ),
    'three pages, read by limits': (_read(_pages, dict(ONE, limits=(0, 9))), '3 pages', ''),
    'eight bands cut short': (_read(_broken, dict(channels=8)), 'not a readable image', ''),
    'eight bands of another height than they say': (
        _read(_vast, dict(channels=8)),
        'not a readable image',
        '',
    ),
    '16-bit values of which 0 is white, read by limits': (
        _read(tiff(DEEP, photometric=0), dict(ONE, limits=(0, 400))),
        '0 is white',
        '',
    ),
    'complex numbers': (
        _read(tiff(GREY.astype(np.complex64), 6), dict(ONE, limits=(0, 9))),
        'not a readable image',
        '',
    ),
    'floating point without limits': (
        _read(tiff(FLOATS, 3), FOUR | dict(channels=1)),
        'image_reading = dict(limits=(0.5, 1.5))',
        '',
    ),
    'a grey image, read by limits': (
        _read(by_opencv('.png', DEEP), dict(ONE, limits=(100, 216))),
        '',
        f'{HEIGHT}x{WIDTH}x1, 0 to 255',
    ),
    'an array of texts': (_array(np.array([['a', 'b']]), ONE), 'numbers as its file would', ''),
    'an array of four axes': (_array(np.zeros((1, 2, 2, 3)), ONE), 'give (H, W) or', ''),
    'an array of no pixel': (_array(np.zeros((0, 4)), ONE), 'give (H, W) or', ''),
    'an array of floating point, read by limits': (
        _array(FLOATS, dict(ONE, limits=(0.5, 1.5))),
        '',
        '3x4x1, 0 to 255',
    ),
    'a survey of text files': (_survey(b'text', b'more'), 'none of the 2 images can be read', ''),
    'a survey of 8 and 16 bits': (
        _survey(tiff(GREY), tiff(DEEP)),
        'different kinds of numbers',
        '',
    ),
    'a survey of colours': (_survey(encoded('PNG')), '', 'nothing to write'),
}


def _case(name: str, run: Callable[[Path], str], refused: str, read: str) -> Case:
    return Case('rule of reading', name, run, refused, read)


READINGS: tuple[Case, ...] = (
    *(_case(name, _rule(settings), refused, '') for name, (settings, refused) in RULES.items()),
    *(_case(name, *row) for name, row in FILES.items()),
)
