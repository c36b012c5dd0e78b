"""Masks of other sizes than their images: faults, a question, or what the user wants resized."""

from collections.abc import Sequence
from pathlib import Path

from ..question import QuestionError
from .look import Look

#: Of two ratios of width and height that are called one: half of an odd side is rounded.
SAME_SHAPE = 0.05

#: (H, W) in pixels.
Size = tuple[int, int]


class Sizes:
    """Collects the masks that are not of their images' sizes.

    Args:
        resize: whether the user wants them to be brought to those.
    """

    def __init__(self, resize: bool) -> None:
        self.resize = resize
        self.total = 0
        self.others: list[tuple[Path, Size, Size]] = []

    def add(self, looks: Sequence[Look]) -> None:
        """Note masks that have been looked at."""
        self.total += len(looks)
        self.others += [
            (look.path, look.size, look.image) for look in looks if look.size != look.image
        ]

    def faults(self, ask: bool) -> list[str]:
        """Return a line for each mask that cannot be used.

        Args:
            ask: whether a question may be raised instead, because nothing else is wrong.

        Raises:
            QuestionError: most masks are smaller or larger pictures of the same shape.
        """
        alike = [other for other in self.others if has_shape_of(*other[1:])]
        if ask and not self.resize and len(alike) == len(self.others) > self.total / 2:
            path, mask, image = alike[0]
            raise QuestionError(
                f'{len(alike):,} of {self.total:,} masks have other sizes than their images, such '
                f'as {path} ({shown(mask)}, its image {shown(image)}): should they be resized?',
                {'--resize-masks': 'each pixel gets the nearest one of the mask'},
            )
        found = [(path, size_fault(mask, image, self.resize)) for path, mask, image in self.others]
        return [f'{path}: {fault}' for path, fault in found if fault]

    def notes(self) -> list[str]:
        """Return a line about the masks that are brought to their images' sizes."""
        if not self.others:
            return []
        return [
            f"{len(self.others):,} of {self.total:,} masks are brought to their images' sizes, "
            'each pixel from the nearest one'
        ]


def size_fault(mask: Size, image: Size, resize: bool) -> str:
    """Return what is wrong with a mask's size and what to do; nothing if it can be used."""
    if mask == image or (resize and has_shape_of(mask, image)):
        return ''
    seen = f'the mask is {shown(mask)}, its image {shown(image)}'
    if has_shape_of(mask, image):
        return f'{seen}; export both at one size, or give --resize-masks'
    return (
        f'{seen}, of another shape; see whether they belong together, and export both at one size'
    )


def has_shape_of(mask: Size, image: Size) -> bool:
    """Say whether two sizes have about the same ratio."""
    ratio = (mask[1] / mask[0]) / (image[1] / image[0])
    return abs(ratio - 1) <= SAME_SHAPE


def shown(size: Size) -> str:
    """Return a size as '640x480'."""
    return f'{size[1]}x{size[0]}'
