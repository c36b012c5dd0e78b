"""Where the masks of a folder are: in files beside the images, or in what a tool wrote."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np

from ..base.errors import UserError
from ..datasets.image_io import decode_image, read_image
from ..datasets.image_reading import ImageReading
from ..datasets.list_file import some
from ..datasets.reading.formats import DECODING_ERRORS
from .annotations import Annotations, read_annotations
from .answers import Answers
from .files import pictures_of
from .mask_kinds import MaskRule
from .pairing import lonely_note
from .roles import find_pairs

#: Grey or colours of 8 bits, as every config reads them.
COLOURS = ImageReading()


class ReadsMasks(Protocol):
    """What knows the mask of an image."""

    def mask(self, image: PurePosixPath) -> np.ndarray:
        """Return a mask, (H, W) uint8: 0 background, 255 foreground, 127 does not count."""


@dataclass(frozen=True)
class Source:
    """Images and where their masks are.

    Attributes:
        masks: image -> files of its masks, below the folder; none where ``annotations`` has them.
        splits: image -> split, as folders or the annotations name it.
        lines: what was found.
        annotations: what a tool wrote; None where masks are pictures.
    """

    masks: Mapping[PurePosixPath, Sequence[PurePosixPath]]
    splits: Mapping[PurePosixPath, str]
    lines: list[str]
    annotations: Annotations | None = None


def find_source(folder: Path, files: Sequence[PurePosixPath], answers: Answers) -> Source:
    """Find annotations, or pairs of pictures.

    Raises:
        QuestionError: the folder can be read in several ways.
        UserError: no masks are found, or names do not tell which mask belongs to which image.
    """
    if answers.masks is None:
        found = read_annotations(folder, [folder / path for path in files], answers)
        if found is not None:
            return _annotated(folder, found)
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


def _annotated(folder: Path, found: Annotations) -> Source:
    images = [PurePosixPath(image.relative_to(folder).as_posix()) for image in found.images]
    said = {PurePosixPath(i.relative_to(folder).as_posix()): s for i, s in found.splits.items()}
    by_folder = {one.path: one.split for one in pictures_of(images) if one.split}
    return Source(dict.fromkeys(images, ()), said or by_folder, list(found.notes), found)


@dataclass(frozen=True)
class Images:
    """Images that lie below a folder, or in annotation files.

    Attributes:
        folder: the folder.
        annotations: what a tool wrote; None where all images are files.
        reading: rule by which the values of an image become channels.
    """

    folder: Path
    annotations: Annotations | None = None
    reading: ImageReading = COLOURS

    @property
    def embedded(self) -> Mapping[Path, Path]:
        """Image -> annotation file that holds it, for those that lie nowhere else."""
        return self.annotations.embedded if self.annotations else {}

    def files(self, images: Iterable[PurePosixPath]) -> list[Path]:
        """Return the paths of those images that are files."""
        paths = [self.folder / image for image in images]
        return [path for path in paths if path not in self.embedded]

    def read(self, image: PurePosixPath) -> np.ndarray:
        """Return an image, (H, W, C) uint8, BGR where C is 3.

        Raises:
            UserError: it cannot be read.
        """
        path = self.folder / image
        if path not in self.embedded:
            return read_image(path, self.reading)
        try:
            return decode_image(self.content(image), self.reading)
        except DECODING_ERRORS as error:
            raise UserError(f'{self.embedded[path]}: its image cannot be read ({error})') from None

    def content(self, image: PurePosixPath) -> bytes:
        """Return the bytes of an image's file.

        Raises:
            UserError: they cannot be read.
        """
        path = self.folder / image
        if self.annotations is not None and path in self.embedded:
            return self.annotations.image_bytes(path)
        return path.read_bytes()


@dataclass(frozen=True)
class MasksOfFiles:
    """Masks that a rule reads from files."""

    folder: Path
    masks: Mapping[PurePosixPath, Sequence[Path]]
    rule: MaskRule

    def mask(self, image: PurePosixPath) -> np.ndarray:
        """Return the mask of an image, (H, W) uint8 of 0, 255 and 127."""
        return self.rule.apply(self.folder / image, self.masks[image])


@dataclass(frozen=True)
class MasksOfAnnotations:
    """Masks that are drawn from annotations."""

    folder: Path
    annotations: Annotations

    def mask(self, image: PurePosixPath) -> np.ndarray:
        """Return the mask of an image, (H, W) uint8 of 0, 255 and 127."""
        return self.annotations.mask(self.folder / image)
