"""Where the images and masks of a folder are, and what reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np

from ..datasets.image_io import read_image
from ..datasets.list_file import some
from .answers import Answers
from .files import pictures_of
from .mask_kinds import MaskRule
from .pairing import lonely_note
from .roles import find_pairs


class ReadsMasks(Protocol):
    """What knows the mask of an image."""

    def mask(self, image: PurePosixPath) -> np.ndarray:
        """Return a mask, (H, W) uint8: 0 background, 255 foreground, 127 does not count."""


@dataclass(frozen=True)
class Source:
    """Images and where their masks are.

    Attributes:
        masks: image -> files of its masks, below the folder.
        splits: image -> split, as folders name it.
        lines: what was found.
    """

    masks: Mapping[PurePosixPath, Sequence[PurePosixPath]]
    splits: Mapping[PurePosixPath, str]
    lines: list[str]


def find_source(folder: Path, files: Sequence[PurePosixPath], answers: Answers) -> Source:
    """Find pairs of pictures.

    Raises:
        QuestionError: the folder can be read in several ways.
        UserError: no masks are found, or names do not tell which mask belongs to which image.
    """
    pairing, lines = find_pairs(folder, pictures_of(files), answers)
    masks = {image.path: [mask.path for mask in own] for image, own in pairing.pairs.items()}
    image, own = next(iter(masks.items()))
    lines.insert(
        0,
        f'{len(masks):,} images with masks, by {pairing.rule}: {str(image)!r} with '
        f'{some([str(mask) for mask in own])}',
    )
    for what, lonely in (('images', pairing.lonely_images), ('masks', pairing.lonely_masks)):
        if lonely:
            lines.append(lonely_note(what, lonely))
    splits = {
        image.path: split
        for image, own in pairing.pairs.items()
        if (split := image.split or own[0].split)
    }
    return Source(masks, splits, lines)


@dataclass(frozen=True)
class Images:
    """Images that lie below a folder."""

    folder: Path

    def read(self, image: PurePosixPath) -> np.ndarray:
        """Return an image, (H, W, 3) uint8 BGR.

        Raises:
            UserError: it cannot be read.
        """
        return read_image(self.folder / image)


@dataclass(frozen=True)
class MasksOfFiles:
    """Masks that a rule reads from files."""

    folder: Path
    masks: Mapping[PurePosixPath, Sequence[Path]]
    rule: MaskRule

    def mask(self, image: PurePosixPath) -> np.ndarray:
        """Return the mask of an image, (H, W) uint8 of 0, 255 and 127."""
        return self.rule.apply(self.folder / image, self.masks[image])
