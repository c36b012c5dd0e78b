"""The picture of a network's feature maps: how fine and how wide each of them is."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from .curves import COLOURS
from .figure_file import save_figure

#: Colours of the parts.
_COLOURS = dict(zip(('backbone', 'neck', 'decode_head'), COLOURS, strict=False))

#: Height of the largest map and the least of any, distance of two: of the picture's units.
_TALL, _LEAST, _GAP = 10.0, 0.15, 1.1

#: A name that is longer is cut.
_LETTERS = 22


def save_pyramid(
    maps: Sequence[Mapping[str, Any]], image: tuple[int, int, int], path: Path, title: str
) -> None:
    """Draw a block for each feature map, in the order in which they are computed.

    A block is as high as its map, by the image's height, and as wide as the logarithm of its
    channels.

    Args:
        maps: feature maps, as ``asdict`` makes them of ``FeatureMap``.
        image: channels, height and width of the image.
        path: path of the picture to write.
        title: title above the picture.

    Raises:
        UserError: ``path`` cannot be written.
    """
    channels, height, width = image
    first = dict(part='image', name='', channels=channels, height=height, width=width)
    drawn = [first, *maps]
    figure = Figure(figsize=(2.0 + 0.85 * len(drawn), 4.6), dpi=120)
    axis = figure.subplots()
    left = 0.0
    for one in drawn:
        tall = max(_LEAST, _TALL * one['height'] / height)
        wide = 0.2 + 0.12 * math.log2(one['channels'])
        colour = _COLOURS.get(one['part'], '0.6')
        axis.add_patch(Rectangle((left, -tall / 2), wide, tall, facecolor=colour, alpha=0.75))
        middle = left + wide / 2
        shape = f'{one["channels"]:,}\n{one["width"]}x{one["height"]}'
        axis.text(middle, tall / 2 + 0.2, shape, ha='center', va='bottom', fontsize=7)
        name = (one['name'] or one['part'])[:_LETTERS]
        axis.text(
            middle, -_TALL / 2 - 0.3, name, ha='right', va='top', fontsize=7, rotation=40,
            rotation_mode='anchor',
        )  # fmt: skip
        left += wide + _GAP
    axis.set_xlim(-1.2, left)
    axis.set_ylim(-_TALL / 2 - 3.2, _TALL / 2 + 1.8)
    parts = dict.fromkeys(one['part'] for one in maps if one['part'] in _COLOURS)
    shown = [Rectangle((0, 0), 1, 1, facecolor=_COLOURS[part], alpha=0.75) for part in parts]
    if shown:
        axis.legend(shown, [*parts], frameon=False, fontsize=8, loc='lower right', ncols=3)
    axis.set_title(title, fontsize=10)
    axis.set_axis_off()
    figure.tight_layout()
    save_figure(figure, path)
