"""How the values in the files of a data set become the channels that a network sees."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np

from ..base.errors import UserError
from .channels import COLOURS
from .reading.to_bytes import as_bytes, scaled

#: Of a network's input: more than hyperspectral cameras have, and as many as OpenCV takes.
MOST_CHANNELS = 512

#: (low, high): the values that become 0 and 255.
Limits = tuple[float, float]


@dataclass(frozen=True)
class ImageReading:
    """One rule for all images of a data set, in training, test, prediction and exported files.

    A value is mapped linearly so that ``low`` becomes 0 and ``high`` 255, is cut off there and
    rounded: what follows works on bytes, whatever a file holds.

    Attributes:
        channels: number of channels: 1 for grey, 3 for red, green and blue, or that of the bands.
        bands: bands of the file to take, counted from 1 and in this order; None for grey, the
            colours, or all bands. A transparency is one of the bands if the number asks for it.
        limits: one pair for all channels or a pair for each; None for values that are bytes, and
            16-bit values that use their range.
    """

    channels: int = COLOURS
    bands: tuple[int, ...] | None = None
    limits: tuple[Limits, ...] | None = None

    @classmethod
    def of(cls, settings: 'Mapping[str, Any] | ImageReading | None') -> 'ImageReading':
        """Return the rule of a config's ``image_reading``, or of a file's metadata.

        Raises:
            UserError: a value is not allowed; the message names it.
        """
        if settings is None:
            return cls()
        if isinstance(settings, ImageReading):
            return settings
        known = [field.name for field in fields(cls)]
        unknown = [key for key in settings if key not in known]
        if unknown:
            raise UserError(f'image_reading has no {unknown[0]!r:.60}; it has {", ".join(known)}')
        channels = settings.get('channels', COLOURS)
        if not _is_whole(channels, MOST_CHANNELS):
            raise UserError(
                f'image_reading: channels = {channels!r:.60} is not allowed; use an integer from 1 '
                f'to {MOST_CHANNELS:,}, 1 for grey and 3 for colours'
            )
        bands, limits = settings.get('bands'), settings.get('limits')
        return cls(
            channels,
            None if bands is None else _bands(bands, channels),
            None if limits is None else _limits(limits, channels),
        )

    @property
    def is_plain(self) -> bool:
        """Whether a file is read as a picture: grey or colours of 8 bits."""
        return self.bands is None and self.limits is None and self.channels in (1, COLOURS)

    @property
    def takes_colours(self) -> bool:
        """Whether it reads photographs in red, green and blue."""
        return self.channels in (1, COLOURS) if self.bands is None else max(self.bands) <= COLOURS

    def settings(self) -> dict[str, Any]:
        """Return the rule as plain values, of which ``of`` makes the same one."""
        return dict(
            channels=self.channels,
            bands=None if self.bands is None else [*self.bands],
            limits=None if self.limits is None else [[*pair] for pair in self.limits],
        )

    def __str__(self) -> str:
        words = {1: 'grey', COLOURS: 'red, green, blue'}.get(
            self.channels, f'{self.channels} bands'
        )
        if self.bands is not None:
            words = f'the bands {", ".join(map(str, self.bands))}'
        if self.limits is not None:
            shown = ', '.join(f'{low:g} to {high:g}' for low, high in self.limits)
            words += f', values from {shown}'
        return words

    def apply(self, values: np.ndarray, alpha: bool = False) -> np.ndarray:
        """Return what a network sees of the values of an image.

        Args:
            values: (H, W) or (H, W, B), numbers of any type, red before green before blue.
            alpha: whether the last band is transparency, which is left out unless it makes up the
                number of bands that are asked for.

        Returns:
            (H, W, channels) uint8, red first.

        Raises:
            UserError: the image has other bands than are asked for, values that are no numbers, or
                without limits such that are no bytes.
        """
        pixels = self.to_bytes(self.choose(values, alpha))
        if pixels.shape[2] == self.channels:
            return pixels
        if self.channels == 1:  # of colours the luminance
            return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., None]
        return cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB)

    def _choice(self, there: int) -> str:
        """Return what else to set where an image has more bands than are asked for."""
        first = [*range(1, self.channels + 1)]
        more = there > self.channels
        return f', or choose some: image_reading = dict(bands={first})' if more else ''

    def to_bytes(self, values: np.ndarray) -> np.ndarray:
        """Return chosen values (H, W, B) as uint8.

        Raises:
            UserError: values are no numbers, or without limits such that are no bytes.
        """
        if self.limits is None:
            return as_bytes(values)
        pixels = np.empty(values.shape, np.uint8)
        for number in range(values.shape[2]):
            low, high = self.limits[min(number, len(self.limits) - 1)]
            pixels[..., number] = scaled(values[..., number], low, high)
        return pixels

    def choose(self, values: np.ndarray, alpha: bool = False) -> np.ndarray:
        """Return the bands that are asked for; grey or colours where either stands for the other.

        Args:
            values: (H, W) or (H, W, B), numbers of any type.
            alpha: whether the last band is transparency, see ``apply``.

        Raises:
            UserError: the image has other bands than are asked for.
        """
        values = values[..., None] if values.ndim == 2 else values
        there = values.shape[2]
        if self.bands is not None:
            if max(self.bands) > there:
                raise UserError(
                    f'{_bands_there(there)}, and image_reading takes the bands '
                    f'{", ".join(map(str, self.bands))}, counted from 1'
                )
            return values[..., [band - 1 for band in self.bands]]
        if alpha and there != self.channels:
            values = values[..., :-1]
        if self.channels == COLOURS and values.shape[2] == COLOURS + 1:
            values = values[..., :COLOURS]  # such as infrared
        fitting = {self.channels} | ({1, COLOURS} if self.channels in (1, COLOURS) else set())
        if values.shape[2] not in fitting:
            raise UserError(
                f'{_bands_there(there)}, and in_channels = {self.channels} asks for '
                f'{self.channels}; set in_channels = {there}{self._choice(there)}'
            )
        return values


def _bands_there(number: int) -> str:
    return f'the image has {number} band' + ('s' if number > 1 else '')


def _is_whole(value: object, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_number(value: object) -> bool:
    real = isinstance(value, int | float) and not isinstance(value, bool)
    return real and abs(value) < 1e300 and math.isfinite(value)  # type: ignore[arg-type]


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _bands(bands: Any, channels: int) -> tuple[int, ...]:
    if not (_is_list(bands) and all(_is_whole(band, 65_535) for band in bands)):
        raise UserError(
            f'image_reading: bands = {bands!r:.60} is not allowed; use a list of numbers, counted '
            'from 1'
        )
    if len(bands) != channels:
        raise UserError(
            f'image_reading: {len(bands)} bands are chosen and in_channels = {channels}; set '
            f'in_channels = {len(bands)}'
        )
    return tuple(bands)


def _limits(limits: Any, channels: int) -> tuple[Limits, ...]:
    one = _is_list(limits) and len(limits) == 2 and not any(map(_is_list, limits))
    pairs = [limits] if one else limits
    if not _is_list(pairs) or not all(
        _is_list(pair) and len(pair) == 2 and all(map(_is_number, pair)) for pair in pairs
    ):
        raise UserError(
            f'image_reading: limits = {limits!r:.60} is not allowed; use (low, high), the values '
            'that become black and white, or a list of such pairs, one for each channel'
        )
    if len(pairs) not in (1, channels):
        raise UserError(
            f'image_reading: {len(pairs)} pairs of limits for {channels} channels; give one for '
            'all, or one for each'
        )
    for low, high in pairs:
        if not low < high:
            raise UserError(
                f'image_reading: limits = ({low:g}, {high:g}) is not allowed; the lower value '
                'comes first, and the two differ'
            )
    return tuple((float(low), float(high)) for low, high in pairs)
