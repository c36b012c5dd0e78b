"""From the numbers of a mask to background, foreground and what does not count."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .view import unpacked

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
    """Return the index of the nearest of some colours (n,) for each of (...) 0xRRGGBB."""
    pixels = unpacked(numbers).astype(np.int32)
    nearest = np.zeros(numbers.shape, np.intp)
    smallest = np.full(numbers.shape, np.iinfo(np.int32).max, np.int32)
    for index, colour in enumerate(unpacked(colours).astype(np.int32)):
        distance = ((pixels - colour) ** 2).sum(-1, dtype=np.int32)
        nearer = distance < smallest
        smallest[nearer] = distance[nearer]
        nearest[nearer] = index
    return nearest
