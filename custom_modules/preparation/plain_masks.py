"""Masks of 0 and 1, or 0 and 255."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..base.errors import UserError
from ..datasets.image_io import read_mask, read_orientation
from .answers import Answers


@dataclass(frozen=True)
class MaskRule:
    """What the masks mean."""

    encodings: list[dict[int, int]] | None
    notes: list[str] = field(default_factory=list)

    def apply(self, image: Path, masks: Sequence[Path]) -> np.ndarray:
        """Return the mask of an image, (H, W) uint8 of 0 and 255."""
        orientation = read_orientation(image)
        every = np.stack([read_mask(mask, orientation) for mask in masks])
        return np.where(every.any(0), 255, 0).astype(np.uint8)


def find_rule(
    pairs: Sequence[tuple[Path, Sequence[Path]]],
    answers: Answers,  # noqa: ARG001
    progress: Callable[[int], None],
) -> MaskRule:
    """Look at all masks and return what they mean."""
    faults = []
    for n, (image, masks) in enumerate(pairs):
        try:
            orientation = read_orientation(image)
            for mask in masks:
                found = read_mask(mask, orientation)
                values = {int(value) for value in np.unique(found)}
                if not (values <= {0, 1} or values <= {0, 255}):
                    faults.append(
                        f'{mask}: holds {sorted(values)[:8]}; allowed are 0 and 1, or 0 and 255'
                    )
                if found.shape != orientation.size:
                    faults.append(f'{mask}: of another size than its image')
        except UserError as error:
            faults.append(str(error))
        progress(n + 1)
    if faults:
        raise UserError('\n    '.join([f'{len(faults):,} files cannot be used:', *faults]))
    single = all(len(masks) == 1 for _, masks in pairs)
    return MaskRule([{0: 0, 1: 1}, {0: 0, 255: 1}] if single else None)
