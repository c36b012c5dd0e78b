"""Some pixels of some images, from which limits and a normalisation are taken."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.errors import UserError
from ..datasets.image_io import read_values
from ..datasets.image_reading import ImageReading
from ..datasets.reading.header import PictureHeader

#: Of the values of all images: what becomes black, and what white.
PERCENTILES = (0.5, 99.5)

#: Images that are looked at, pixels of all of them that are decoded, and values that are kept.
MOST_IMAGES, MOST_DECODED, MOST_VALUES = 256, 400_000_000, 16_000_000
_FEWEST_IMAGES, _PIXELS_OF_IMAGE = 8, 16_384


@dataclass(frozen=True)
class SampledValues:
    """Values of pixels that were drawn from images evenly spread over all of them.

    Attributes:
        values: (N, B) values as the files hold them, of the bands that a network is to see.
        images: number of images that they are from.
    """

    values: np.ndarray
    images: int

    def range_text(self) -> str:
        """Return the smallest and the largest value."""
        return f'from {self.values.min():g} to {self.values.max():g}'

    def limits(self) -> list[float] | list[list[float]]:
        """Return what is to become 0 and 255: a pair; of more than three bands a pair for each.

        Colours share a pair, so that they keep their balance.
        """
        if self.values.shape[1] <= 3:
            return _pair(self.values.ravel())
        return [_pair(band) for band in self.values.T]

    def moments(self, reading: ImageReading) -> tuple[list[float], list[float]]:
        """Return mean and standard deviation of each channel, in units of 0 to 255."""
        pixels = reading.to_bytes(self.values[:, None])[:, 0]
        mean, std = pixels.mean(0, dtype=np.float64), pixels.std(0, dtype=np.float64)
        return [round(float(one), 2) for one in mean], [
            max(1.0, round(float(one), 2)) for one in std
        ]


def sample_values(
    paths: Sequence[Path], headers: Mapping[Path, PictureHeader], reading: ImageReading
) -> SampledValues:
    """Draw pixels; the same ones every time.

    Args:
        paths: image files to draw from.
        headers: what their headers say.
        reading: rule that says which bands are taken.

    Raises:
        UserError: an image is not as ``reading`` has it, or no value is a number.
        UnreadableImageError: an image cannot be decoded.
    """
    areas = [math.prod(headers[path].size) for path in paths]
    number = min(len(paths), MOST_IMAGES, MOST_DECODED // max(1, int(np.mean(areas))))
    number = max(min(len(paths), _FEWEST_IMAGES), number)
    each = min(_PIXELS_OF_IMAGE, max(64, MOST_VALUES // (number * max(1, reading.channels))))
    random = np.random.default_rng(0)
    drawn = []
    for index in np.linspace(0, len(paths) - 1, number).round().astype(int):
        values = read_values(paths[index], reading)
        pixels = values.reshape(-1, values.shape[2])
        if len(pixels) > each:
            pixels = pixels[np.sort(random.integers(0, len(pixels), each))]
        there = np.isfinite(pixels) & (pixels != headers[paths[index]].no_data)
        drawn.append(pixels[there.all(axis=1)])
    values = np.concatenate(drawn)
    if not len(values):
        raise UserError(f'{paths[0]} and {number - 1:,} more: none of their values is a number')
    return SampledValues(values, number)


def _pair(values: np.ndarray) -> list[float]:
    low, high = np.percentile(values, PERCENTILES)
    if values.dtype.kind in 'bui':
        return [int(low), max(math.ceil(high), int(low) + 1)]
    if not low < high:
        high = low + 1
    digits = 3 - math.floor(math.log10(high - low))
    return [round(float(low), digits), round(float(high), digits)]
