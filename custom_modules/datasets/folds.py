"""Cross-validation: the images of train and val, divided so that each is held out exactly once."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..base.errors import UserError

#: Of the shuffle. It is not the training's: every run of a data set has the same folds.
_SEED = 0

#: Splits that a fold changes, and the one that it leaves alone.
_SPLITS, _UNTOUCHED = ('train', 'val'), 'test'


def check_fold(fold: Any, split: str) -> None:
    """Refuse what is no fold.

    Raises:
        UserError: ``fold`` is not (k, n) with 2 or more folds and k from 0 to n - 1, or ``split``
            is none that folds know.
    """
    whole = isinstance(fold, list | tuple) and all(type(number) is int for number in fold)
    if not (whole and len(fold) == 2 and fold[1] >= 2 and 0 <= fold[0] < fold[1]):
        raise UserError(
            f'fold={fold!r} is not allowed; use (k, n), with n = 2 or more folds and k from 0 to '
            'n - 1, such as (0, 5)'
        )
    if split not in (*_SPLITS, _UNTOUCHED):
        raise UserError(
            f'fold={fold!r} goes with split = {", ".join((*_SPLITS, _UNTOUCHED))}, not {split!r}'
        )


def group_of(entry: Mapping[str, Any]) -> str:
    """Return what an image belongs to and is held out with: its ``group``, or itself."""
    return str(entry.get('group') or entry['sample_id'])


def folds_of(
    entries: Sequence[Mapping[str, Any]], number: int, strata: Sequence[str] = ()
) -> list[int]:
    """Return the fold of each image, from 0 to ``number - 1``.

    Images of a group stay together. The groups are shuffled, always in the same way, and dealt out
    from the largest to the smallest, each to the fold with the fewest images; among equally large
    ones those of one kind follow each other, so that each fold has its share of every kind. The
    order of the entries does not matter.

    Args:
        entries: entries of a data set, with ``sample_id`` and, where there are groups, ``group``.
        number: number of folds.
        strata: keys of the entries that say of what kind an image is, such as its breed.

    Raises:
        UserError: there are fewer groups than folds.
    """
    members: dict[str, list[int]] = {}
    for index in sorted(range(len(entries)), key=lambda index: str(entries[index]['sample_id'])):
        members.setdefault(group_of(entries[index]), []).append(index)
    if len(members) < number:
        what = 'images' if len(members) == len(entries) else 'groups of images'
        raise UserError(
            f'{number} folds are too many: there are {len(members):,} {what} in train and val'
            + (f'; use 2 to {len(members):,}' if len(members) > 1 else '')
        )

    def place(name: str) -> tuple[int, list[str]]:
        first = entries[members[name][0]]
        return -len(members[name]), [str(first.get(key, '')) for key in strata]

    names = sorted(members)
    shuffled = [names[i] for i in np.random.RandomState(_SEED).permutation(len(names))]
    folds, sizes = [0] * len(entries), [0] * number
    for name in sorted(shuffled, key=place):
        smallest = sizes.index(min(sizes))
        sizes[smallest] += len(members[name])
        for index in members[name]:
            folds[index] = smallest
    return folds
