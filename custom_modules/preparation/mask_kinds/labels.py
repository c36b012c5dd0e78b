"""From the numbers of a mask to background, foreground and what does not count."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .view import unpacked

#: From red, green and blue to the brightness of JPEG and a fifth of its hue.
LUMA_FIRST = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.169 / 5, -0.331 / 5, 0.5 / 5],
        [0.5 / 5, -0.419 / 5, -0.081 / 5],
    ]
)

#: What is written for the three.
BACKGROUND, IGNORED, FOREGROUND = 0, 127, 255


class Labels(Protocol):
    """What the numbers of the masks of one kind mean."""

    def of(self, numbers: np.ndarray) -> np.ndarray:
        """Return uint8 of BACKGROUND, IGNORED and FOREGROUND for numbers of any shape."""
        ...


@dataclass(frozen=True)
class ByValue:
    """Each number has its label; those that are not named have the label ``others``."""

    labels: Mapping[int, int]
    others: int = BACKGROUND

    def of(self, numbers: np.ndarray) -> np.ndarray:
        if numbers.dtype == np.uint8:
            table = np.full(256, self.others, np.uint8)
            for number, label in self.labels.items():
                if 0 <= number <= 255:
                    table[number] = label
            return table[numbers]
        found = np.full(numbers.shape, self.others, np.uint8)
        for number, label in self.labels.items():
            found[numbers == number] = label
        return found


@dataclass(frozen=True)
class ByThreshold:
    """Numbers above ``threshold`` are foreground, or those that are not where it is ``dark``."""

    threshold: int
    dark: bool = False

    def of(self, numbers: np.ndarray) -> np.ndarray:
        chosen = (numbers > self.threshold) != self.dark
        return np.where(chosen, FOREGROUND, BACKGROUND).astype(np.uint8)


@dataclass(frozen=True)
class OfGreys:
    """Grey levels that are stored as colours, 0xRRGGBB, have the labels of the levels."""

    labels: Labels

    def of(self, numbers: np.ndarray) -> np.ndarray:
        return self.labels.of((numbers & 255).astype(np.uint8))


@dataclass(frozen=True)
class ByColour:
    """Each colour has the label of the nearest of some colours.

    Attributes:
        colours: 0xRRGGBB -> label.
    """

    colours: Mapping[int, int]

    def of(self, numbers: np.ndarray) -> np.ndarray:
        nearest = nearest_of(numbers, np.array(list(self.colours)))
        return np.array(list(self.colours.values()), np.uint8)[nearest]


def nearest_of(numbers: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Return the index of the nearest of some colours (n,) for each of (...) 0xRRGGBB.

    Of two colours it is decided by brightness before hue, which JPEG keeps at half the resolution:
    half as many pixels at the edges are wrong. Of three the blend of two could be as bright as the
    third.
    """
    scale = np.diag([1, 1, 1]) if len(colours) != 2 else LUMA_FIRST
    pixels = unpacked(numbers).astype(np.float32) @ scale.T.astype(np.float32)
    nearest = np.zeros(numbers.shape, np.intp)
    smallest = np.full(numbers.shape, np.inf, np.float32)
    for index, colour in enumerate(unpacked(colours) @ scale.T):
        distance = ((pixels - colour.astype(np.float32)) ** 2).sum(-1)
        nearer = distance < smallest
        smallest[nearer] = distance[nearer]
        nearest[nearer] = index
    return nearest
