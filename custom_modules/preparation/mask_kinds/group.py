"""All masks of one kind, counted together."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from PIL import ImageColor

from .look import Kind, Look
from .structure import VOID, WHITE

WORDS = {
    'grey': 'grey levels',
    'indices': 'indices of a palette',
    'colours': 'colours',
    'fractions': 'fractions of 255',
    'opacity': 'values of the alpha channel',
}

#: Files that are counted together at once.
BLOCK = 256

#: Of the values that a message names.
SHOWN = 16


@dataclass(frozen=True)
class Group:
    """The values of all masks of one kind.

    Attributes:
        kind: where the values are and how they are stored.
        looks: one for each mask.
        values: (n,) the different values in rising order; colours as 0xRRGGBB.
        pixels: (n,) how many pixels have each.
        solid: (n,) how many pixels of each lie in areas of about one colour.
        files: (n,) how many files have each.
        examples: (n,) index of the first file that has each.
        palette: value -> colour, where the values are indices.
    """

    kind: Kind
    looks: Sequence[Look]
    values: np.ndarray
    pixels: np.ndarray
    solid: np.ndarray
    files: np.ndarray
    examples: np.ndarray
    palette: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Number of pixels of all masks."""
        return int(self.pixels.sum())

    @cached_property
    def zero_one_or_255(self) -> bool:
        """Whether some files have 0 and 1, and the others 0 and 255."""
        if not set(self.values.tolist()) <= {0, 1, WHITE}:
            return False
        return not any({1, WHITE} <= set(look.values.tolist()) for look in self.looks)

    @cached_property
    def outline(self) -> int | None:
        """255 where other classes are there and most of its pixels lie in lines around them."""
        if self.zero_one_or_255 or self.values[-1] != VOID or self.values.size < 3:
            return None
        there = [look for look in self.looks if look.values[-1] == VOID and look.values.size > 2]
        pixels = sum(int(look.counts[-1]) for look in there)
        return VOID if 2 * sum(look.structure.lines for look in there) > pixels else None

    def share(self, chosen: np.ndarray) -> float:
        """Return the share of the pixels whose values are chosen by (n,) truth values."""
        return float(self.pixels[chosen].sum() / self.total)

    def example(self, index: int) -> Path:
        """Return the first file that has the value of an index."""
        return self.looks[int(self.examples[index])].path

    def title(self) -> str:
        """Return what the masks are, as a line."""
        form = ', JPEG' if self.kind.jpeg else ', 16 bits or more' if self.kind.wide else ''
        title = f'{len(self.looks):,} masks ({WORDS[self.kind.place]}{form})'
        if self.values.size <= SHOWN:
            return f'{title}: {self.listing()}'
        low, high = self.name(int(self.values[0])), self.name(int(self.values[-1]))
        return f'{title}: {self.values.size:,} different ones from {low} to {high}'

    def name(self, value: int) -> str:
        """Return how a user names a value, such as '8', or '#ff0000'."""
        return colour_name(value) if self.kind.place == 'colours' else str(value)

    def listing(self, chosen: np.ndarray | None = None) -> str:
        """Return the values with their shares and files, as text for a sentence."""
        indices = np.arange(self.values.size) if chosen is None else np.flatnonzero(chosen)
        shown = indices
        if indices.size > SHOWN:
            most = np.sort(self.pixels[indices].argsort(kind='stable')[::-1][:SHOWN])
            shown = indices[most]
        words = [self._with_share(int(index)) for index in shown]
        if shown.size < indices.size:
            words.append(f'and {indices.size - shown.size:,} more')
        return ', '.join(words)

    def _with_share(self, index: int) -> str:
        value = int(self.values[index])
        shade = f' {colour_name(self.palette[value])}' if value in self.palette else ''
        files = ''
        if self.files[index] < len(self.looks):
            files = f', in {self.files[index]:,} of {len(self.looks):,} files'
            if self.files[index] == 1:
                files = f', in {self.example(index).name} alone'
        return f'{self.name(value)}{shade} ({percent(self.pixels[index] / self.total)}{files})'


def group_of(kind: Kind, looks: Sequence[Look]) -> Group:
    """Return masks of one kind counted together."""
    values = np.empty(0, np.int64)
    pixels, solid, files, examples = (np.empty(0, np.int64) for _ in range(4))
    palette: dict[int, int] = {}
    for start in range(0, len(looks), BLOCK):  # so that memory does not grow with the files
        block = looks[start : start + BLOCK]
        every = np.concatenate([look.values for look in block])
        of_file = np.repeat(
            np.arange(start, start + len(block)), [look.values.size for look in block]
        )
        found, first, which = np.unique(every, return_index=True, return_inverse=True)
        old, values = values, np.union1d(values, found)
        at_old, at_new = np.searchsorted(values, old), np.searchsorted(values, found)
        pixels = _spread(pixels, at_old, values.size)
        pixels[at_new] += _added(which, [look.counts for look in block])
        solid = _spread(solid, at_old, values.size)
        solid[at_new] += _added(which, [look.solid for look in block])
        files = _spread(files, at_old, values.size)
        files[at_new] += np.bincount(which)
        before = examples
        examples = _spread(before, at_old, values.size)
        examples[at_new] = of_file[first]
        examples[at_old] = before
        for look in block:
            if look.palette is not None:
                palette |= dict(zip(look.values.tolist(), look.palette.tolist(), strict=True))
    return Group(kind, looks, values, pixels, solid, files, examples, palette)


def _added(places: np.ndarray, numbers: Sequence[np.ndarray]) -> np.ndarray:
    return np.bincount(places, np.concatenate(numbers)).astype(np.int64)


def _spread(numbers: np.ndarray, places: np.ndarray, size: int) -> np.ndarray:
    """Return numbers at their places among ``size`` zeros."""
    spread = np.zeros(size, np.int64)
    spread[places] = numbers
    return spread


def palettes_differ(looks: Iterable[Look]) -> bool:
    """Say whether one index has another colour in another file."""
    palette: dict[int, int] = {}
    for look in looks:
        if look.palette is not None:
            for value, colour in zip(look.values.tolist(), look.palette.tolist(), strict=True):
                if palette.setdefault(value, colour) != colour:
                    return True
    return False


def colour_name(colour: int) -> str:
    """Return a colour as '#ff0000'."""
    return f'#{colour:06x}'


def percent(share: float) -> str:
    """Return a share as text."""
    if 0 < share < 0.001:
        return 'under 0.1 %'
    return 'over 99.9 %' if 0.999 < share < 1 else f'{100 * share:.1f} %'


def parse_colour(text: str) -> int | None:
    """Return 0xRRGGBB of '#ff0000' or 'red', or None."""
    try:
        red, green, blue = ImageColor.getrgb(text)[:3]
    except ValueError:
        return None
    return red << 16 | green << 8 | blue
