"""Looking at a folder: what is in it, how it pairs, what its masks mean, which splits it has."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Protocol

import numpy as np

from ..base.progress import ProgressBar
from ..datasets.list_file import some
from ..datasets.pairs_table import PairRow
from .answers import Answers
from .division import divide
from .files import list_folder, pictures_of
from .found_splits import counted, find_splits
from .groups import find_groups
from .near_duplicates import LEAST_CORRELATION, NearDuplicate, find_near_duplicates
from .pairing import lonely_note
from .mask_kinds import find_rule
from .roles import find_pairs

Say = Callable[[str], None]

#: Near duplicates that are named.
_NAMED = 5


class ReadsMasks(Protocol):
    """What knows the mask of an image, as (H, W) uint8 of 0, 255 and 127 (does not count)."""

    def mask(self, image: PurePosixPath) -> np.ndarray: ...


@dataclass(frozen=True)
class Cut:
    """How splits are cut where neither folders nor lists make them.

    Attributes:
        fractions: shares of train, val and test.
        seed: seed of the shuffle.
    """

    fractions: tuple[float, float, float] = (0.8, 0.1, 0.1)
    seed: int = 0


@dataclass(frozen=True)
class Found:
    """What a folder holds, as far as a data set needs it.

    Attributes:
        folder: the folder.
        rows: image, mask, split and group of each pair, sorted; ``mask`` is empty where masks are
            to be converted.
        encodings: what the masks' files hold, value -> 0, 1 or 255 (ignored), where they are read
            where they lie; None where they are to be converted.
        masks: what knows the mask of an image.
        config_lines: lines for the config that the images need.
        notes: what was found, a line each, as it was said.
        near_duplicates: images in two splits that look alike.
    """

    folder: Path
    rows: list[PairRow]
    encodings: list[dict[int, int]] | None
    masks: ReadsMasks
    config_lines: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    near_duplicates: list[NearDuplicate] = field(default_factory=list)


class _MasksOfFiles:
    """Masks that a rule reads from files."""

    def __init__(self, folder: Path, pairs: Mapping[PurePosixPath, Sequence[Path]], rule) -> None:  # type: ignore[no-untyped-def]
        self.folder = folder
        self.pairs = pairs
        self.rule = rule

    def mask(self, image: PurePosixPath) -> np.ndarray:
        return self.rule.apply(self.folder / image, self.pairs[image])


def look(folder: Path, answers: Answers, cut: Cut, say: Say) -> Found:
    """Find out what a folder holds; nothing is written.

    Args:
        folder: folder as somebody left it.
        answers: what the user says about it.
        cut: how splits are cut that are not there.
        say: function that is given each line about what was found, as soon as it is.

    Raises:
        QuestionError: the folder can be read in several ways.
        UserError: it holds no pairs, or files are faulty; all of them are named.
    """
    notes: list[str] = []

    def tell(line: str) -> None:
        notes.append(line)
        say(line)

    files = list_folder(folder)
    endings = Counter(path.suffix.lower() or 'no ending' for path in files)
    tell(
        f'{folder}: {len(files):,} files: '
        + ', '.join(f'{n:,} {e}' for e, n in endings.most_common(8))
    )
    pairing, left_out = find_pairs(folder, pictures_of(files), answers)
    pairs = {image.path: [mask.path for mask in masks] for image, masks in pairing.pairs.items()}
    image, masks = next(iter(pairs.items()))
    tell(
        f'{len(pairs):,} images with masks, by {pairing.rule}: {str(image)!r} with '
        f'{some([str(mask) for mask in masks])}'
    )
    for line in left_out:
        tell(line)
    for what, lonely in (('images', pairing.lonely_images), ('masks', pairing.lonely_masks)):
        if lonely:
            tell(lonely_note(what, lonely))
    by_folder = {
        image.path: split
        for image, own in pairing.pairs.items()
        if (split := image.split or own[0].split)
    }
    given = find_splits(folder, files, pairs, by_folder)
    groups, group_notes = find_groups(list(pairs), answers.group_by)
    division = divide(pairs, given.of, groups, cut.fractions, cut.seed)
    for line in (*given.notes, *group_notes, *division.notes):
        tell(line)
    paths = {image: [folder / mask for mask in pairs[image]] for image in sorted(division.of)}
    with ProgressBar('looking at masks', len(paths)) as bar:
        rule = find_rule(
            [(folder / image, own) for image, own in paths.items()],
            answers,
            lambda done: bar.set(done, len(paths)),
        )
    for line in rule.notes:
        tell(line)
    near = _near_duplicates(folder, division.of)
    for line in near_duplicate_lines(near):
        tell(line)
    tell(f'splits: {counted(division.of.values())}')
    own = rule.encodings is not None
    rows = [
        PairRow(
            str(image),
            str(pairs[image][0]) if own else '',
            division.of[image],
            groups.get(image, ''),
        )
        for image in paths
    ]
    masks_of = _MasksOfFiles(folder, paths, rule)
    return Found(folder, rows, rule.encodings, masks_of, [], notes, near)


def _near_duplicates(folder: Path, splits: Mapping[PurePosixPath, str]) -> list[NearDuplicate]:
    images = sorted(splits)
    with ProgressBar('comparing images', len(images)) as bar:
        return find_near_duplicates(
            folder,
            images,
            [splits[image] for image in images],
            lambda done: bar.set(done, len(images)),
        )


def near_duplicate_lines(found: Sequence[NearDuplicate]) -> list[str]:
    """Return what to say of images in two splits that look alike."""
    if not found:
        return []
    named = [
        f'{pair.images[0]} ({pair.splits[0]}) and {pair.images[1]} ({pair.splits[1]}), '
        f'{pair.correlation:.3f}'
        for pair in found[:_NAMED]
    ]
    more = len(found) - len(named)
    return [
        f'{len(found):,} pairs of images in two splits look alike (correlation of '
        f'{LEAST_CORRELATION} or more at 32x32 pixels); a test of such images is too good. Say '
        'with --group-by what belongs together:',
        *(f'    {line}' for line in named),
        *([f'    and {more:,} more, on the page'] if more else []),
    ]
