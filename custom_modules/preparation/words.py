"""What names say: which files are masks, which are images, and which split they belong to."""

import functools
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Words of folders and files that hold masks, and of those that hold images.
MASK_WORDS = _set(
    'mask masks msk msks label labels labelled labeled lbl lbls gt gts groundtruth truth '
    'annotation annotations annot annots seg segs segm segmentation segmentations '
    'segmentationclass manual alpha alphas matte mattes target targets trimap trimaps cutout '
    'cutouts out'
)
IMAGE_WORDS = _set(
    'image images img imgs photo photos photograph photographs picture pictures pic pics jpeg '
    'jpegs input inputs scan scans original originals orig raw rgb frame frames sat source'
)

#: Words of folders and lists that name a split.
SPLIT_WORDS = {
    **dict.fromkeys(('train', 'training', 'trainval', 'tr'), 'train'),
    **dict.fromkeys(('val', 'valid', 'validation', 'dev'), 'val'),
    **dict.fromkeys(('test', 'testing', 'te', 'ts'), 'test'),
}

#: Words that stand beside that of a split and say nothing.
_FILLERS = _set('set sets data dataset split splits')

#: Words of a split that are often something else.
_SHORT = frozenset(('tr', 'te', 'ts'))

_WORDS = re.compile(r'[^\W\d_]+|\d+')
_CAMELS = re.compile(r'[A-Z]+(?![a-z])|[A-Z]?[^A-Z]+')
_GROUND_TRUTH = re.compile(r'ground[-_. ]?truth', re.IGNORECASE)
_GLUED = re.compile(
    f'({"|".join(sorted(SPLIT_WORDS, key=len, reverse=True))})'
    f'({"|".join(sorted(MASK_WORDS | IMAGE_WORDS, key=len, reverse=True))})'
)


def plain(text: str) -> str:
    """Return what is equal for names that only differ in case or in how accents are stored."""
    return unicodedata.normalize('NFC', text).casefold()


@functools.lru_cache(1 << 16)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words and numbers of a name, in small letters and without zeros in front.

    ``imagesTr`` is (images, tr), ``21_manual1`` (21, manual, 1), ``trainannot`` (train, annot).
    """
    text = _GROUND_TRUTH.sub('groundtruth', unicodedata.normalize('NFC', name))
    found: list[str] = []
    for run in _WORDS.findall(text):
        for word in [str(int(run))] if run.isdecimal() else _CAMELS.findall(run):
            small = word.casefold()
            glued = _GLUED.fullmatch(small)
            found += glued.groups() if glued else [small]
    return tuple(found)


def is_role(word: str) -> bool:
    """Say whether a word tells masks from images."""
    return word in MASK_WORDS or word in IMAGE_WORDS


@functools.lru_cache(1 << 16)
def role_of(name: str) -> str | None:
    """Return 'mask' or 'image' for a name that says so; a label image is a mask."""
    words = set(words_of(name))
    if words & MASK_WORDS:
        return 'mask'
    return 'image' if words & IMAGE_WORDS else None


@functools.lru_cache(1 << 16)
def split_of(name: str) -> str | None:
    """Return the split of a folder or list of this name, None if it names none or says more."""
    words = words_of(name)
    others = [word for word in words if word not in SPLIT_WORDS]
    short = set(words) & _SHORT and not any(map(is_role, others))  # imagesTr, but no folder ts
    said = all(is_role(word) or word in _FILLERS or word.isdecimal() for word in others)
    return _only_split(words) if said and not short else None


def _only_split(words: Sequence[str]) -> str | None:
    splits = {SPLIT_WORDS[word] for word in words if word in SPLIT_WORDS}
    return splits.pop() if len(splits) == 1 else None


def splits_of(names: Iterable[str]) -> dict[str, str]:
    """Return the split of each folder that names one, by itself or beside its counterpart.

    ``DUTS-TR`` is one where there is ``DUTS-TE``, ``train_station`` is none.
    """
    found = {name: split for name in names if (split := split_of(name))}
    alike: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for name in names:
        split = _only_split(words_of(name))
        if split and name not in found:
            others = (word for word in words_of(name) if word not in SPLIT_WORDS)
            alike[tuple(others)][name] = split
    for members in alike.values():
        if len(set(members.values())) > 1:
            found |= members
    return found
