"""What the masks of a data set mean, as a rule that reads any of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ...base.errors import UserError
from ...datasets.image_io import Orientation, read_orientation, read_stored_mask
from ...datasets.transforms.resizing import resize_mask
from .labels import BACKGROUND, FOREGROUND, IGNORED, Labels
from .look import Kind
from .sizes import size_fault
from .view import view_of


@dataclass(frozen=True)
class MaskRule:
    """What the masks of a data set mean.

    Attributes:
        labels: what the numbers of each kind of mask mean.
        colours_count: whether palettes are in no common order, so that their colours count.
        resize: whether masks of another size are brought to their images'.
        encodings: what LoadMask needs to read the files where they lie, value -> 0, 1 or 255
            (ignored); None where they have to be converted.
        notes: lines about what was found and how it is read.
        shares: share of foreground of each pair, of the pixels that count.
    """

    labels: Mapping[Kind, Labels]
    colours_count: bool = False
    resize: bool = False
    encodings: list[dict[int, int]] | None = None
    notes: list[str] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)

    def apply(self, image: Path, masks: Sequence[Path]) -> np.ndarray:
        """Return the mask of an image, (H, W) uint8: 0 background, 255 foreground, 127 ignored.

        Args:
            image: the image's file, of which the header is read.
            masks: its mask, or one for each object, of which the foreground is joined.

        Raises:
            UserError: a file cannot be read, is of a kind that no mask had that was looked at, or
                has another size than its image.
        """
        orientation = read_orientation(image)
        found = [self._one(path, orientation) for path in masks]
        return joined(found)

    def _one(self, path: Path, image: Orientation) -> np.ndarray:
        stored = read_stored_mask(path, image)
        view = view_of(stored, self.colours_count)
        kind = Kind(view.place, view.wide, stored.jpeg)
        if kind not in self.labels:
            raise UserError(f'{path}: holds {view.place}, unlike the other masks')
        height, width = view.values.shape
        fault = size_fault((height, width), image.size, self.resize)
        if fault:
            raise UserError(f'{path}: {fault}')
        labels = self.labels[kind].of(view.values)
        return resize_mask(labels, image.size[::-1])


def joined(masks: Sequence[np.ndarray]) -> np.ndarray:
    """Return foreground where one mask has it, else ignored where one has that."""
    if len(masks) == 1:
        return masks[0]
    every = np.stack(masks)
    ignored = np.where((every == IGNORED).any(0), IGNORED, BACKGROUND)
    return np.where((every == FOREGROUND).any(0), FOREGROUND, ignored).astype(np.uint8)
