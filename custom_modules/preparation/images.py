"""What the images of a folder hold, and how they are to be read."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..base.errors import UserError
from ..datasets.image_io import MAX_BYTES
from ..datasets.image_reading import ImageReading
from ..datasets.reading.formats import DECODING_ERRORS
from ..datasets.reading.header import PictureHeader, read_header
from .image_values import PERCENTILES, SampledValues, sample_values
from .question import QuestionError

#: Names in a note, before it says how many more there are.
_SHOWN = 3

#: (width, height) in pixels.
Size = tuple[int, int]


@dataclass(frozen=True)
class Sizes:
    """Sizes of images, (width, height) in pixels, in the order of their area."""

    smallest: Size
    median: Size
    largest: Size

    def __str__(self) -> str:
        if self.smallest == self.largest:
            return f'all {_size(self.smallest)}'
        return f'{_size(self.smallest)} to {_size(self.largest)}, median {_size(self.median)}'


@dataclass(frozen=True)
class ImageFindings:
    """What was found in the images of a folder.

    Attributes:
        config_lines: lines for a config, each with its reason as a comment; none where images are
            colours of 8 bits, as every config reads them.
        notes: lines that tell a person what there is.
        sizes: sizes of the images.
        reading: rule by which the lines let images be read.
    """

    config_lines: list[str]
    notes: list[str]
    sizes: Sizes
    reading: ImageReading


def survey_images(
    paths: Sequence[Path], progress: Callable[[int], None], channels: int | None = None
) -> ImageFindings:
    """Look at the headers of all images and at some pixels of some of them.

    Args:
        paths: image files, at least one.
        progress: function that is called with the number of images looked at so far.
        channels: number of channels that the user asks for; None to find it.

    Raises:
        QuestionError: a fourth band can be transparency or infrared.
        UserError: no image can be read, or there is no one rule for all of them.
    """
    headers, faults = _headers(paths, progress)
    if not headers:
        raise UserError(f'none of the {len(paths):,} images can be read; the first: {faults[0]}')
    notes = [_counted(headers)]
    if faults:
        notes.append(f'{len(faults):,} images cannot be read: {_some(faults)}')
    number, bands, reason = _channels(headers, channels, notes)
    kinds = {header.numbers for header in headers.values()}
    plain = ImageReading.of(dict(channels=number, bands=bands))
    if kinds == {'uint8'} and plain == ImageReading():
        return ImageFindings([], notes, _sizes(headers), plain)
    values = sample_values([*headers], headers, plain)
    reading, lines = _reading(values, plain, headers, reason)
    notes.append(f'values {values.range_text()}, in {values.images:,} images that were looked at')
    return ImageFindings(lines, notes, _sizes(headers), reading)


def _headers(
    paths: Sequence[Path], progress: Callable[[int], None]
) -> tuple[dict[Path, PictureHeader], list[str]]:
    headers: dict[Path, PictureHeader] = {}
    faults: list[str] = []
    for number, path in enumerate(paths, 1):
        try:
            if path.stat().st_size > MAX_BYTES:
                raise ValueError(f'more than {MAX_BYTES >> 20:,} MiB')
            headers[path] = read_header(path)
        except DECODING_ERRORS as error:  # of which UserError is one
            faults.append(f'{path.name} ({" ".join(str(error).split())[:120]})')
        progress(number)
    return headers, faults


def _channels(
    headers: dict[Path, PictureHeader], asked: int | None, notes: list[str]
) -> tuple[int, list[int] | None, str]:
    """Return the number of channels, the bands to choose (None: as they are), and the reason.

    Raises:
        QuestionError: a fourth band can be transparency or infrared.
        UserError: images have different numbers of bands, none of which stands for all.
    """
    tiffs = [path for path, one in headers.items() if one.is_tiff and one.bands == 4]
    if tiffs and asked is None:
        asked = _of_fourth_band(tiffs, headers)
    there = Counter(one.bands - bool(one.alpha) for one in headers.values())
    most = max(one.bands for one in headers.values())
    alpha = sum(bool(one.alpha) for one in headers.values())
    if asked is not None:
        bands = [*range(1, asked + 1)] if most > 4 and asked < min(there) else None
        return asked, bands, 'by --channels'
    if alpha:
        notes.append(f'{alpha:,} images have transparency, which is left out: the stored colours')
    if len(there) == 1:
        number = next(iter(there))
        return number, None, {1: 'grey', 3: 'colours'}.get(number, f'{number} bands')
    if set(there) <= {1, 3}:
        notes.append(f'{there[1]:,} images are grey and {there[3]:,} in colours: all are colours')
        return 3, None, 'grey and colours'
    shown = ', '.join(f'{count:,} of {bands}' for bands, count in sorted(there.items()))
    raise QuestionError(
        f'The images have different numbers of bands ({shown}): how many is the network to see?',
        {'--channels 1': 'grey'} | {'--channels 3': 'red, green, blue: the first three bands'},
    )


def _of_fourth_band(tiffs: Sequence[Path], headers: dict[Path, PictureHeader]) -> int | None:
    """Return how many channels TIFFs of four bands have; None where their tags tell.

    A tag that says transparency of a band with many values is that of a program which did not think
    about it: those who write maps call the fourth band so.
    """
    said = {headers[path].alpha for path in tiffs}
    if said == {False}:
        return None
    sample = sample_values(tiffs, headers, ImageReading(channels=4))
    opaque = sample.values[:, 3].max()
    between = np.mean((sample.values[:, 3] > 0) & (sample.values[:, 3] < opaque))
    if said == {True} and between < 0.01:
        return None
    word = 'is said to be transparency' if True in said else 'is not said to be anything'
    raise QuestionError(
        f'{tiffs[0].name} has four bands, the last of which {word}; {between:.0%} of its values '
        'are neither none nor all: is it a band of its own, such as infrared?',
        {
            '--channels 4': 'yes, the network sees four bands',
            '--channels 3': 'no, red, green and blue are all',
        },
    )


def _reading(
    values: SampledValues,
    plain: ImageReading,
    headers: dict[Path, PictureHeader],
    reason: str,
) -> tuple[ImageReading, list[str]]:
    """Return the rule and the lines of a config for it.

    Raises:
        UserError: some images are of 8 bits and others of numbers that have to be scaled.
    """
    kinds = Counter(header.numbers for header in headers.values())
    settings = plain.settings()
    lines = [f'in_channels = {plain.channels}  # {reason}'] if plain.channels != 3 else []
    if set(kinds) != {'uint8'}:
        if 'uint8' in kinds:
            shown = ' and '.join(f'{count:,} of {kind}' for kind, count in kinds.items())
            raise UserError(
                f'the images hold different kinds of numbers ({shown}), and what is black and '
                'white in one is not in the other; save all of them in one kind'
            )
        settings['limits'] = values.limits()
    reading = ImageReading.of(settings)
    chosen = {key: settings[key] for key in ('bands', 'limits') if settings[key] is not None}
    if chosen:
        text = ', '.join(f'{key}={value}' for key, value in chosen.items())
        why = 'the first bands' if 'bands' in chosen else ''
        if 'limits' in chosen:
            low, high = PERCENTILES
            why = f'black and white: the percentiles {low:g} and {high:g} of the values'
        lines.append(f'image_reading = dict({text})  # {why}')
    mean, std = values.moments(reading)
    lines.append(f'preprocessor = dict(mean={mean}, std={std})  # of the values read so')
    return reading, lines


def _counted(headers: dict[Path, PictureHeader]) -> str:
    kinds = Counter((one.bands, one.numbers) for one in headers.values())
    shown = ', '.join(
        f'{count:,} of {bands} band{"s" if bands > 1 else ""} of {numbers}'
        for (bands, numbers), count in kinds.most_common()
    )
    return f'{len(headers):,} images: {shown}; {_sizes(headers)}'


def _sizes(headers: dict[Path, PictureHeader]) -> Sizes:
    found = sorted(
        ((one.size[1], one.size[0]) for one in headers.values()), key=lambda one: one[0] * one[1]
    )
    return Sizes(found[0], found[len(found) // 2], found[-1])


def _size(size: Size) -> str:
    return f'{size[0]}x{size[1]}'


def _some(texts: Sequence[str]) -> str:
    more = f' and {len(texts) - _SHOWN:,} more' if len(texts) > _SHOWN else ''
    return ', '.join(texts[:_SHOWN]) + more
