"""Which images train, validate and test: what folders and lists say, and a cut for the rest."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import numpy as np

from ..base.errors import UserError
from ..datasets.list_file import some
from ..datasets.splits import SPLITS

_Path = PurePosixPath


@dataclass
class Division:
    """Image -> split, for the images that are used, and what to say of it."""

    of: dict[_Path, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def divide(
    images: Iterable[_Path],
    given: Mapping[_Path, str],
    groups: Mapping[_Path, str],
    fractions: Sequence[float],
    seed: int,
) -> Division:
    """Divide images so that no group is in two splits; the same input gives the same splits.

    A split that is given stays as it is. Validation that is missing is cut from train, never from
    test; a missing test is what is given to no split, or is cut from train if nothing is.

    Args:
        images: all images.
        given: image -> split, of those to which folders or lists give one.
        groups: image -> group; an image without one stands for itself.
        fractions: shares of train, val and test.
        seed: seed of the shuffle that decides which groups are in which split.

    Raises:
        UserError: nothing is left to train with, or there are too few images or groups for the
            splits.
    """
    found = Division()
    images = sorted(images)
    shares = dict(zip(SPLITS, fractions, strict=True))
    named = set(given.values())
    if named and len(named) == 1 and len(given) == len(images) and named != {'train'}:
        found.notes.append(
            f'all images are in {named.pop()}, so that says nothing: all are divided'
        )
        given, named = {}, set()
    members = {split: [i for i in images if given.get(i) == split] for split in SPLITS}
    rest = [image for image in images if image not in given]
    if not named:
        members = _cut(rest, shares, groups, seed)
        together = '' if groups else '; images of one patient, scene or video: --group-by'
        found.notes.append(f'train, val and test cut at random, seed {seed}{together}')
    elif 'train' not in named:
        missing = [split for split in SPLITS if split not in named]
        if rest:
            members |= _cut(rest, {split: shares[split] for split in missing}, groups, seed)
        found.notes.append(f'{" and ".join(missing)} from the images that are in no other split')
    else:
        _complete(found, members, rest, shares, groups, seed)
    _keep_groups(found, members, groups)
    for split in ('train', 'val', 'test'):
        if not members[split] and shares[split]:
            raise UserError(
                f'no image is left for {split}; give more images, or a pattern for --group-by that '
                'makes more groups'
            )
    found.of = {image: split for split in SPLITS for image in members[split]}
    return found


def _complete(
    found: Division,
    members: dict[str, list[_Path]],
    rest: list[_Path],
    shares: Mapping[str, float],
    groups: Mapping[_Path, str],
    seed: int,
) -> None:
    """Fill the splits that are missing beside train."""
    missing = [split for split in ('val', 'test') if not members[split]]
    if rest and 'test' in missing:
        members['test'] = rest
        found.notes.append('test is the images that are in no other split')
    elif rest:
        found.notes.append(
            f'{len(rest):,} images are in no split, left out: {some([str(i) for i in rest])}'
        )
    cut = [split for split in missing if not members[split] and shares[split]]
    if cut:
        members |= _cut(members['train'], {s: shares[s] for s in ('train', *cut)}, groups, seed)
        found.notes.append(f'{" and ".join(cut)} cut from train at random, seed {seed}')


def _cut(
    pool: Sequence[_Path],
    shares: Mapping[str, float],
    groups: Mapping[_Path, str],
    seed: int,
) -> dict[str, list[_Path]]:
    """Cut images into splits, whole groups at a time, train taking what is left."""
    by_group: dict[tuple[bool, str], list[_Path]] = defaultdict(list)
    for image in pool:
        name = groups.get(image)
        by_group[name is None, name or str(image)].append(image)
    wanted = [split for split, share in shares.items() if share]
    if len(by_group) < len(wanted):
        what = 'images' if len(by_group) == len(pool) else 'groups of images'
        raise UserError(
            f'{len(by_group)} {what} cannot fill {", ".join(wanted)}; give more images'
            + ('' if what == 'images' else ', or a pattern for --group-by that makes more groups')
        )
    names = sorted(by_group)
    order = [names[i] for i in np.random.RandomState(seed).permutation(len(names))]
    cuts: dict[str, list[_Path]] = {split: [] for split in shares}
    whole = sum(shares.values())
    for split in ('test', 'val'):
        target = len(pool) * shares.get(split, 0) / whole
        others = len(wanted) - wanted.index(split) if split in wanted else 0
        left = []
        for n, name in enumerate(order):
            room = len(order) - n > others or not cuts.get(split)
            size = len(cuts.get(split, ())) + len(by_group[name]) / 2
            if target and (not cuts[split] or (size <= target and room)):
                cuts[split] += by_group[name]
            else:
                left.append(name)
        order = left
    cuts['train'] = [image for name in order for image in by_group[name]]
    return {split: sorted(members) for split, members in cuts.items()}


def _keep_groups(
    found: Division, members: dict[str, list[_Path]], groups: Mapping[_Path, str]
) -> None:
    """Leave images out whose group is in a split that counts more: test, then validation."""
    owner: dict[str, str] = {}
    for split in ('test', 'val', 'train'):
        out = [i for i in members[split] if owner.get(groups.get(i, ''), split) != split]
        if out:
            members[split] = [image for image in members[split] if image not in set(out)]
            others = sorted({owner[groups[image]] for image in out})
            found.notes.append(
                f'{len(out):,} images left out of {split}, of whose groups there are others in '
                f'{" and ".join(others)}: {some([str(image) for image in out])}'
            )
        owner |= {groups[image]: split for image in members[split] if image in groups}
