"""One picture of what the network will see, with statistics of the data."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..datasets.statistics import Survey
from .contact_sheet import blend, outline, spotlight
from .figure_file import save_figure

#: Of Okabe and Ito: pixels that do not count, the line around the foreground, the splits.
IGNORED = (204, 121, 167)
OUTLINE = (240, 228, 66)
SPLIT_COLOURS = ('#0072b2', '#e69f00', '#009e73')

COLUMNS = 4

#: Of a line above a picture.
_LETTERS = 50


@dataclass(frozen=True)
class Sample:
    """One image as the network gets it.

    Attributes:
        name: name of the image, or of both where it was mixed with another, with their shares.
        image: (H, W, 3) uint8 RGB, before normalisation.
        mask: (H, W) uint8, 0 background, 1 foreground, 255 ignored.
    """

    name: str
    image: np.ndarray
    mask: np.ndarray

    def masked(self) -> np.ndarray:
        """Return the foreground, outlined, the rest dark and what does not count in purple."""
        where = self.mask == 1
        marked = blend(spotlight(self.image, where), self.mask == 255, IGNORED)
        return outline(marked, where, OUTLINE)


def draw_shares(axis: Axes, surveys: Sequence[Survey]) -> None:
    """Draw how many images have how much foreground, a line per split."""
    for data, colour in zip(surveys, SPLIT_COLOURS, strict=False):
        axis.hist(
            data.foreground,
            bins=np.linspace(0, 1, 21).tolist(),
            weights=np.full(len(data.foreground), 1 / len(data.foreground)),
            histtype='step',
            linewidth=1.5,
            color=colour,
            label=data.split,
        )
    axis.set_xlabel('foreground of an image')
    axis.set_ylabel('share of the images')
    for scale in (axis.xaxis, axis.yaxis):
        scale.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axis.legend(frameon=False, fontsize=8)


def draw_sizes(axis: Axes, surveys: Sequence[Survey]) -> None:
    """Draw a dot per image at its width and height."""
    for data, colour in zip(surveys, SPLIT_COLOURS, strict=False):
        axis.scatter(
            data.widths, data.heights, 6, color=colour, alpha=0.4, linewidths=0, rasterized=True
        )
    axis.set_xlabel('width in pixels')
    axis.set_ylabel('height in pixels')
    axis.set_xlim(left=0)
    axis.set_ylim(bottom=0)


def save_dataset_sheet(
    samples: Sequence[Sample], surveys: Sequence[Survey], path: Path, title: str
) -> None:
    """Write a picture: statistics of the data, and each sample beside its masked self.

    Raises:
        UserError: ``path`` has an unknown suffix or cannot be written.
    """
    rows = -(-len(samples) // COLUMNS)
    height, width = samples[0].image.shape[:2]
    side = 1.5  # inches of a picture
    names = [fill(sample.name, _LETTERS) for sample in samples]
    row_height = side * height / width + 0.22 + 0.12 * max(name.count('\n') for name in names)
    top = 3.2
    figure = Figure(figsize=(2 * side * COLUMNS + 0.6, top + row_height * rows), dpi=120)
    parts: Any = figure.subfigures(2, 1, height_ratios=[top, row_height * rows])
    above, below = parts
    above.suptitle(title, fontsize=13, x=0.02, ha='left')
    above.text(
        *(0.02, 0.87),
        '\n'.join(line for data in surveys for line in data.lines()),
        fontsize=8.5,
        va='top',
        linespacing=1.35,
    )
    shares, sizes = above.subplots(1, 2)
    above.subplots_adjust(left=0.07, right=0.98, bottom=0.17, top=0.46, wspace=0.2)
    draw_shares(shares, surveys)
    draw_sizes(sizes, surveys)
    for axis in (shares, sizes):
        axis.spines[['top', 'right']].set_visible(False)
        axis.tick_params(labelsize=8)
        axis.xaxis.label.set_size(8.5)
        axis.yaxis.label.set_size(8.5)
    cells = below.subplots(rows, COLUMNS, squeeze=False).flat
    below.subplots_adjust(left=0.02, right=0.98, bottom=0.01, top=0.98, wspace=0.05, hspace=0.14)
    for cell in cells:
        cell.set_axis_off()
    for cell, sample, name in zip(below.axes, samples, names, strict=False):
        cell.imshow(np.hstack([sample.image, sample.masked()]), interpolation='antialiased')
        cell.set_title(name, fontsize=7.5, pad=2)
    save_figure(figure, path)
