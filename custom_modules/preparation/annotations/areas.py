"""The pixels of what was drawn: polygons, ellipses, run lengths, small pictures of masks.

A whole number is the middle of a pixel, and the pixels that an outline runs through belong to what
it surrounds, as OpenCV draws it: an outline that was traced around the pixels of a mask (by
findContours, as most tools do it) gives them back. pycocotools takes whole numbers for corners of
pixels and loses half a pixel on each side; Pillow draws between the two.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import cv2
import numpy as np

from .numbers import Size

#: Bits of a coordinate behind the point, when polygons are drawn.
SHIFT = 8

#: Points may lie outside of the picture by this many of its sides; tools let them.
OUTSIDE = 1


class Area(Protocol):
    """Something that covers pixels."""

    def check(self, size: Size) -> None:
        """Refuse an area that does not fit an image of a size (H, W), in pixels.

        Raises:
            ValueError: it does not.
        """
        ...

    def paint(self, canvas: np.ndarray, label: int) -> None:
        """Write a label to the pixels of a canvas (H, W) uint8 that are covered."""
        ...


@dataclass(frozen=True)
class Polygons:
    """Outlines, of which each is filled.

    Attributes:
        rings: x and y of the points of each, (n, 2).
        relative: whether they are parts of width and height and not pixels.
    """

    rings: Sequence[np.ndarray]
    relative: bool = False

    def check(self, size: Size) -> None:
        sides = np.array(size[::-1], float)
        for ring in self.rings:
            points = ring * sides if self.relative else ring
            far = np.abs(points - sides / 2) > (0.5 + OUTSIDE) * sides
            if far.any():
                x, y = points[far.any(1).argmax()]
                raise ValueError(
                    f'the point {x:g}, {y:g} is far outside of {size[1]} x {size[0]} pixels'
                )

    def paint(self, canvas: np.ndarray, label: int) -> None:
        scale = np.array(canvas.shape[::-1], float) if self.relative else 1.0
        for ring in self.rings:
            points = np.rint(ring * scale * (1 << SHIFT)).astype(np.int32)
            cv2.fillPoly(canvas, [points], label, shift=SHIFT)


@dataclass(frozen=True)
class Ellipse:
    """An ellipse by its middle, its half axes, all in pixels, and its turn.

    Attributes:
        middle: x and y.
        axes: half of its width and of its height before it is turned.
        turn: degrees by which it is turned clockwise.
    """

    middle: tuple[float, float]
    axes: tuple[float, float]
    turn: float = 0.0

    def check(self, size: Size) -> None:
        x, y = self.middle
        if not (-size[1] <= x <= 2 * size[1] and -size[0] <= y <= 2 * size[0]):
            raise ValueError(
                f'the middle {x:g}, {y:g} is far outside of {size[1]} x {size[0]} pixels'
            )

    def paint(self, canvas: np.ndarray, label: int) -> None:
        x, y = np.ogrid[0 : canvas.shape[1], 0 : canvas.shape[0]]
        right, down = x.T - self.middle[0], y.T - self.middle[1]
        angle = math.radians(self.turn)
        along = right * math.cos(angle) + down * math.sin(angle)
        across = down * math.cos(angle) - right * math.sin(angle)
        inside = (along / self.axes[0]) ** 2 + (across / self.axes[1]) ** 2 <= 1
        canvas[inside] = label


@dataclass(frozen=True)
class Runs:
    """Run lengths: how many pixels are outside, inside, outside, and so on.

    Attributes:
        counts: (n,) lengths, which add up to the pixels of ``size``.
        size: (H, W) of what they cover, in pixels.
        corner: (row, column) of its upper left pixel.
        down: whether they go down the columns and not along the rows.
    """

    counts: np.ndarray
    size: tuple[int, int]
    corner: tuple[int, int] = (0, 0)
    down: bool = False

    def check(self, size: Size) -> None:
        _check_inside(self.corner, self.size, size)

    def paint(self, canvas: np.ndarray, label: int) -> None:
        inside = np.repeat(np.arange(self.counts.size) % 2 == 1, self.counts)
        pixels = inside.reshape(self.size[::-1]).T if self.down else inside.reshape(self.size)
        Picture(pixels, self.corner).paint(canvas, label)


@dataclass(frozen=True)
class Picture:
    """A small mask.

    Attributes:
        pixels: (h, w) truth values.
        corner: (row, column) of its upper left pixel.
    """

    pixels: np.ndarray
    corner: tuple[int, int] = (0, 0)

    def check(self, size: Size) -> None:
        _check_inside(self.corner, (self.pixels.shape[0], self.pixels.shape[1]), size)

    def paint(self, canvas: np.ndarray, label: int) -> None:
        (top, left), (height, width) = self.corner, self.pixels.shape
        canvas[top : top + height, left : left + width][self.pixels] = label


def _check_inside(corner: tuple[int, int], part: Size, size: Size) -> None:
    (top, left), (height, width) = corner, part
    if top < 0 or left < 0 or top + height > size[0] or left + width > size[1]:
        raise ValueError(
            f'a mask of {width} x {height} pixels at {left}, {top} does not fit into {size[1]} x '
            f'{size[0]}'
        )


def box(left: float, top: float, right: float, bottom: float, turn: float = 0.0) -> Polygons:
    """Return a rectangle, turned clockwise around its middle by degrees."""
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)
    angle = math.radians(turn)
    middle = corners.mean(0)
    along = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    return Polygons([(corners - middle) @ along + middle])
