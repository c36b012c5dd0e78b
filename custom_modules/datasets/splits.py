"""Which images train, which validate, which test: no image does two of these."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..base.errors import UserError, did_you_mean
from .list_file import read_lines, refuse_doubles, refuse_overlap

SPLITS = ('train', 'val', 'test')

#: Names of lists that are not ours; left unread they would change all splits in silence.
MISNAMED = {
    'training': 'train',
    'trainval': 'train',
    'dev': 'val',
    'valid': 'val',
    'validation': 'val',
    'testing': 'test',
}


def check_fractions(fractions: Sequence[float], seed: int) -> None:
    """Refuse what cannot cut a data set.

    Raises:
        UserError: ``fractions`` are not three shares with the sum 1, or ``seed`` is no whole number
            that NumPy takes, from 0 to 2**32 - 1.
    """
    shares = fractions if isinstance(fractions, list | tuple) else ()
    numbers = [s for s in shares if isinstance(s, int | float) and 0 <= s <= 1]
    if len(shares) != 3 or len(numbers) != 3 or abs(sum(numbers) - 1) > 1e-6:
        raise UserError(
            f'fractions={fractions!r}: give the shares of train, val, test; their sum is 1'
        )
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise UserError(f'split_seed={seed!r} is not allowed; use a whole number of 0 to 2**32 - 1')


def read_lists(root: Path, stems: Sequence[str]) -> dict[str, list[str]]:
    """Return the stems of those of ``train.txt``, ``val.txt`` and ``test.txt`` that are there.

    Args:
        root: folder of the lists.
        stems: stems of all images: names of their files without folder and ending.

    Raises:
        UserError: a list is called differently, unreadable or empty, names an image twice or one
            that is not there, or shares one with another list.
    """
    names = sorted(os.listdir(root))  # noqa: PTH208  (the names alone)
    lists = {split: f'{split}.txt' for split in SPLITS if f'{split}.txt' in names}
    for name in names:
        stem, _, ending = name.casefold().rpartition('.')
        split = MISNAMED.get(stem, stem)
        if ending == 'txt' and split in SPLITS and split not in lists:
            raise UserError(
                f'{root / name}: not read under this name; call it {split}.txt, or move it away'
            )
    listed = {split: _read_stems(root / name, stems) for split, name in lists.items()}
    refuse_overlap({lists[split]: members for split, members in listed.items()}, root)
    return listed


def _read_stems(path: Path, stems: Sequence[str]) -> list[str]:
    lines = read_lines(path, 'Let everybody read it')
    listed = [line.strip() for line in lines if line.strip()]
    if not listed:
        raise UserError(f'{path}: names no image; write a stem per line, or remove the file')
    refuse_doubles(listed, path)
    known = set(stems)
    unknown = [name for name in listed if name not in known]
    if unknown:
        raise UserError(
            f'{path}: {len(unknown)} names have no image, the first is {unknown[0][:80]!r}'
            f'{did_you_mean(unknown[0][:80], stems)}; write stems, without folder and ending'
        )
    return listed


def divide(
    stems: Sequence[str],
    listed: Mapping[str, Sequence[str]],
    fractions: Sequence[float],
    seed: int,
) -> dict[str, list[str]]:
    """Return the stems of each split; none is in two.

    A split with a list is that list. The others come from the stems that no list names, shuffled
    and cut by ``fractions``. Where train has a list, validation is cut out of that list instead,
    and test is all that no list names. The same stems, lists, fractions and seed give the same
    splits everywhere.

    Args:
        stems: stems of all images, sorted.
        listed: split -> stems in its list, as ``read_lists`` returns them.
        fractions: shares of train, val and test, whose sum is 1; a share above 0 is at least one
            image.
        seed: seed of the shuffle that decides which images are in which split.
    """
    named = {stem for members in listed.values() for stem in members}
    rest = [stem for stem in stems if stem not in named]
    found = {split: list(members) for split, members in listed.items()}
    missing = [split for split in SPLITS if split not in listed]
    shares = dict(zip(SPLITS, fractions, strict=True))
    if 'train' not in listed:
        found |= _cut(rest, {split: shares[split] for split in missing}, seed)
    elif 'val' in missing:
        found |= _cut(found['train'], {split: shares[split] for split in ('train', 'val')}, seed)
    if 'test' not in found:
        found['test'] = rest
    return {split: found[split] for split in SPLITS}


def _cut(pool: list[str], shares: dict[str, float], seed: int) -> dict[str, list[str]]:
    """Cut stems into train and one or two other splits; the order of the pool does not matter."""
    stems = sorted(pool)
    shuffled = [stems[i] for i in np.random.RandomState(seed).permutation(len(stems))]
    whole = 1 if len(shares) == 3 else sum(shares.values())
    cuts: dict[str, list[str]] = {}
    start = 0
    for split in ('test', 'val'):
        if shares.get(split):
            end = start + max(1, round(len(pool) * shares[split] / whole))
            cuts[split] = shuffled[start:end]
            start = end
        elif split in shares:
            cuts[split] = []
    cuts['train'] = shuffled[start:]
    chosen = {split: set(members) for split, members in cuts.items()}
    return {split: [stem for stem in pool if stem in chosen[split]] for split in cuts}


def explain(listed: Mapping[str, Sequence[str]], divided: Mapping[str, Sequence[str]]) -> list[str]:
    """Return where the splits without a list come from, where there is any list."""
    missing = [split for split in SPLITS if split not in listed]
    if not listed or not missing:
        return []
    if 'train' not in listed:
        return [f'{" and ".join(missing)} from the images in no list']
    lines = ['val is taken out of train.txt'] if 'val' in missing else []
    if 'test' in missing and divided['test']:
        lines.append('test is the images in no list')
    return lines


def counts_line(root: Path, total: int, divided: Mapping[str, int], notes: Sequence[str]) -> str:
    """Return the line about a data set that a run prints once.

    Args:
        root: folder of the data set.
        total: number of images in the data set.
        divided: split -> number of its images; empty where the data set is not divided.
        notes: further things to know about the data set, such as where its splits come from.
    """
    parts = ', '.join(f'{split} {count:,}' for split, count in divided.items())
    return '; '.join([f'{root}: {total:,} images{f" ({parts})" if parts else ""}', *notes])
