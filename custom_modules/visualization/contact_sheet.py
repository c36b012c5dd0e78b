"""One picture of where a model is good and where it fails."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ..datasets.transforms.resizing import resize_image, resize_mask
from .figure_file import save_figure

#: Colours that people with any colour vision can tell apart (Okabe and Ito).
MISSED = (230, 159, 0)
INVENTED = (0, 114, 178)


@dataclass(frozen=True)
class Example:
    """One image with its masks.

    Attributes:
        title: text beside the row.
        image: (H, W, 3) uint8 RGB.
        truth: ground truth, (H, W), 0, 1 or 255 (ignored).
        prediction: predicted mask, (H, W), 0 or 1.
    """

    title: str
    image: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray


def fitted(example: Example, largest: int = 1024) -> Example:
    """Return an example whose longer side is at most ``largest`` pixels, so that it can be kept."""
    height, width = example.image.shape[:2]
    shrink = largest / max(height, width)
    if shrink >= 1:
        return example
    size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
    masks = (resize_mask(mask, size) for mask in (example.truth, example.prediction))
    return Example(example.title, resize_image(example.image, size), *masks)


def blend(
    image: np.ndarray, where: np.ndarray, colour: Sequence[int], share: float = 0.65
) -> np.ndarray:
    """Return ``image`` (H, W, 3) uint8 with ``share`` of ``colour`` in the pixels ``where`` (H, W).

    A table of the 256 values keeps large photographs from becoming floats.
    """
    values = (1 - share) * np.arange(256)[:, None] + share * np.array(colour)
    tinted = cv2.LUT(image, values.round().astype(np.uint8)[None])
    return np.where(where[..., None], tinted, image)


def outline(image: np.ndarray, where: np.ndarray, colour: Sequence[int]) -> np.ndarray:
    """Return ``image`` (H, W, 3) uint8 with a line around the pixels ``where`` (H, W)."""
    lines, _ = cv2.findContours(where.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    width = max(1, round(max(where.shape) / 300))
    return cv2.drawContours(np.ascontiguousarray(image), lines, -1, tuple(colour), width)


def spotlight(image: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Return ``image`` (H, W, 3) with everything but the pixels ``where`` (H, W) grey and dark."""
    sums = image.sum(axis=2, dtype=np.uint16)
    # A table of the 766 sums keeps large photographs from becoming floats.
    grey = (np.arange(3 * 255 + 1) / 3 * 0.35).round().astype(np.uint8)[sums]
    return np.where(where[..., None], image, grey[..., None])


def error_map(example: Example) -> np.ndarray:
    """Return the image with missed pixels in orange and invented ones in blue."""
    counts = example.truth != 255
    missed = counts & (example.truth == 1) & (example.prediction == 0)
    invented = counts & (example.truth == 0) & (example.prediction == 1)
    return blend(blend(example.image, missed, MISSED), invented, INVENTED)


def panels(example: Example) -> tuple[np.ndarray, ...]:
    """Return image, ground truth, prediction and errors as pictures (H, W, 3) uint8."""
    return (
        example.image,
        spotlight(example.image, example.truth == 1),
        spotlight(example.image, example.prediction == 1),
        error_map(example),
    )


def grid(examples: Sequence[Example], largest: int = 256) -> np.ndarray:
    """Return the panels of the examples as one picture (H, W, 3) uint8, a row per example.

    Args:
        examples: images with their masks, all shown at the size of the first.
        largest: limit of a panel's longer side, in pixels.
    """
    height, width = examples[0].image.shape[:2]
    shrink = min(1.0, largest / max(height, width))
    size = (round(width * shrink), round(height * shrink))
    rows = [
        np.hstack([cv2.resize(p, size, interpolation=cv2.INTER_AREA) for p in panels(example)])
        for example in examples
    ]
    return np.vstack(rows)


def save_contact_sheet(examples: Sequence[Example], path: Path, title: str) -> None:
    """Write a PNG with a row per example: image, ground truth, prediction, errors."""
    from matplotlib.figure import Figure  # not before: what draws nothing need not wait for it
    from matplotlib.patches import Patch

    columns = ('image', 'ground truth', 'prediction', 'errors')
    figure = Figure(figsize=(2.1 * len(columns) + 1.4, 2.1 * len(examples) + 1.0), dpi=110)
    axes = figure.subplots(len(examples), len(columns), squeeze=False)
    for axis, column in zip(axes[0], columns, strict=True):
        axis.set_title(column, fontsize=11)
    for row, example in zip(axes, examples, strict=True):
        for axis, picture in zip(row, panels(example), strict=True):
            axis.imshow(picture, aspect='equal')
            axis.set_xticks([])
            axis.set_yticks([])
            axis.spines[:].set_visible(False)
        row[0].set_ylabel(example.title, fontsize=9)
    figure.suptitle(title, fontsize=11)
    legend = [
        Patch(color='#{:02x}{:02x}{:02x}'.format(*colour), label=label)
        for colour, label in ((MISSED, 'missed'), (INVENTED, 'invented'))
    ]
    figure.legend(handles=legend, loc='lower right', ncols=2, frameon=False, fontsize=9)
    figure.tight_layout(rect=(0, 0.03, 1, 0.99))
    save_figure(figure, path)
