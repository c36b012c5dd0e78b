"""What the masks of a data set hold, once it is known what they mean."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...base.errors import UserError
from .group import percent
from .labels import FOREGROUND, IGNORED
from .look import Look
from .rule import MaskRule

#: Names that a line has room for.
NAMED = 3


@dataclass(frozen=True)
class Pixels:
    """How many pixels of a mask are what.

    Attributes:
        path: the (first) file of the mask.
        total: number of pixels.
        foreground: pixels of the foreground.
        ignored: pixels that do not count.
        border: pixels of the four edges, and how many of them are foreground.
    """

    path: Path
    total: int
    foreground: int
    ignored: int
    border: tuple[int, int]

    @property
    def share(self) -> float:
        """Share of foreground of the pixels that count."""
        return self.foreground / max(1, self.total - self.ignored)


def pixels_of(image: Path, looks: Sequence[Look], rule: MaskRule) -> Pixels:
    """Return how many pixels of an image's mask are what.

    A single mask was counted when it was looked at; where that is not exact, or masks of single
    objects may overlap, they are read once more.
    """
    first = looks[0]
    if len(looks) > 1 or first.rounded or first.size != first.image:
        mask = rule.apply(image, [look.path for look in looks])
        edges = np.concatenate([mask[0], mask[-1], mask[1:-1, 0], mask[1:-1, -1]])
        inside = int((edges == FOREGROUND).sum())
        count = {label: int((mask == label).sum()) for label in (FOREGROUND, IGNORED)}
        return Pixels(
            first.path, mask.size, count[FOREGROUND], count[IGNORED], (edges.size, inside)
        )
    labels = rule.labels[first.kind].of(first.values)
    border = (int(first.border.sum()), int(first.border[labels == FOREGROUND].sum()))
    foreground, ignored = (
        int(first.counts[labels == label].sum()) for label in (FOREGROUND, IGNORED)
    )
    return Pixels(first.path, int(first.counts.sum()), foreground, ignored, border)


def notes_of(masks: Sequence[Pixels]) -> list[str]:
    """Return lines about the foreground of all masks.

    Raises:
        UserError: no mask has foreground, or none has background.
    """
    total, foreground, ignored = (
        sum(getattr(mask, name) for mask in masks) for name in ('total', 'foreground', 'ignored')
    )
    if not foreground:
        raise UserError(
            f'none of the {len(masks):,} masks holds foreground (such as {masks[0].path}); see '
            'whether these are the masks, and whether their values were kept when they were saved'
        )
    if foreground + ignored == total:
        raise UserError(
            f'every pixel of the {len(masks):,} masks is foreground (such as {masks[0].path}), so '
            'there is nothing to tell apart; see whether these are the masks'
        )
    notes = [f'{percent(foreground / total)} of all pixels are foreground']
    if ignored:
        notes[0] += f', {percent(ignored / total)} do not count'
    empty = [mask for mask in masks if not mask.foreground]
    full = [mask for mask in masks if mask.foreground + mask.ignored == mask.total]
    for found, what in ((empty, 'hold no foreground'), (full, 'hold no background')):
        if found:
            names = ', '.join(str(mask.path) for mask in found[:NAMED])
            more = ', ...' if len(found) > NAMED else ''
            notes.append(f'{len(found):,} of {len(masks):,} masks {what}: {names}{more}')
    edge, inside = (sum(mask.border[index] for mask in masks) for index in (0, 1))
    if 2 * inside > edge and 2 * foreground > total - ignored:
        notes.append(
            f'{percent(inside / edge)} of the pixels at the edges of the pictures are foreground: '
            'if the masks are inverted, choose the other value with --foreground'
        )
    return notes
