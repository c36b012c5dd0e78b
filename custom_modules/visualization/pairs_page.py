"""Images with the outlines of their masks, as one HTML file that needs nothing else."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import jinja2
import numpy as np

from ..base.paths import make_writable
from ..base.whole_file import whole_file
from .contact_sheet import blend
from .dataset_sheet import IGNORED, OUTLINE

#: Longest side of an image on the page, in pixels.
LARGEST = 384

_TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / 'templates'),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
)


@dataclass(frozen=True)
class ShownPair:
    """An image with its mask.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) uint8: 0 background, 255 foreground, 127 does not count.
        title: name of the image.
        split: its split.
        mask_name: name of the mask's file.
    """

    image: np.ndarray
    mask: np.ndarray
    title: str
    split: str
    mask_name: str


@dataclass(frozen=True)
class AlikePair:
    """Two images of different splits that look alike.

    Attributes:
        images: the two, (H, W, 3) uint8 RGB each.
        titles: their names with their splits.
        correlation: how alike they are, up to 1.
    """

    images: tuple[np.ndarray, np.ndarray]
    titles: tuple[str, str]
    correlation: float


def save_pairs_page(
    path: Path,
    title: str,
    notes: Sequence[str],
    pairs: Sequence[ShownPair],
    alike: Sequence[AlikePair],
    total: int,
) -> None:
    """Write the page; it is the same to the byte for the same data.

    Args:
        path: HTML file to write.
        title: heading of the page.
        notes: what was found, a line each.
        pairs: images with their masks.
        alike: images of two splits that look alike.
        total: number of all pairs, of which ``pairs`` are some.

    Raises:
        UserError: ``path`` cannot be written.
    """
    page = _TEMPLATES.get_template('pairs.html').render(
        title=title,
        notes=notes,
        total=f'{total:,}',
        ignored='#{:02x}{:02x}{:02x}'.format(*IGNORED),
        pairs=[_shown(pair) for pair in pairs],
        alike=[
            dict(
                pictures=[_picture(image) for image in pair.images],
                titles=pair.titles,
                correlation=f'{pair.correlation:.3f}',
            )
            for pair in alike
        ],
    )
    make_writable(path.resolve().parent, '--root')
    with whole_file(path) as file:
        file.write(page)


def _shown(pair: ShownPair) -> dict[str, Any]:
    height, width = pair.mask.shape
    counted = max(1, int((pair.mask != 127).sum()))
    foreground = pair.mask == 255
    ignored = float((pair.mask == 127).mean())
    size = _size(height, width)
    image = _resized(pair.image, size)
    mask = cv2.resize(pair.mask, size, interpolation=cv2.INTER_NEAREST_EXACT)
    return dict(
        before=_picture(image),
        after=_picture(_marked(image, mask)),
        title=pair.title,
        split=pair.split,
        mask_name=pair.mask_name,
        size=f'{width:,} x {height:,}',
        foreground=f'{foreground.sum() / counted:.1%}',
        ignored=f'{ignored:.1%}' if ignored else '',
    )


def _marked(image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return an image with the outline of its mask, dark below bright, so that all show it."""
    lines, _ = cv2.findContours(
        (mask == 255).astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE
    )
    marked = np.ascontiguousarray(blend(image, mask == 127, IGNORED))
    for colour, width in (((0, 0, 0), 3), (OUTLINE, 1)):
        cv2.drawContours(marked, lines, -1, colour, width)
    return marked


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    larger = size[0] > image.shape[1]
    how = cv2.INTER_NEAREST_EXACT if larger else cv2.INTER_AREA
    return cv2.resize(image, size, interpolation=how)


def _size(height: int, width: int) -> tuple[int, int]:
    scale = LARGEST / max(height, width)
    if scale > 1:  # small pictures grow by whole numbers, so that their pixels can be seen
        scale = max(1, int(scale))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _picture(image: np.ndarray) -> dict[str, Any]:
    """Return the address of a JPEG with its size."""
    size = _size(*image.shape[:2])
    _, data = cv2.imencode('.jpg', _resized(image, size)[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 88))
    source = f'data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}'
    return dict(source=source, width=size[0], height=size[1])
