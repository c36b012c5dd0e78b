"""What the names of an image and its mask have in common, from the surest rule to the least."""

import itertools
import os
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass

from .files import Picture
from .words import is_role, words_of

#: Picture -> what is equal for an image and its masks; None where the rule says nothing of it.
Key = Callable[[Picture], Hashable | None]

#: Level from which names have less in common than a whole stem or folder.
LEAST_SURE = 4

#: Numbers of a name that are tried.
_PLACES = 3

_NUMBER = re.compile(r'\d+')


@dataclass(frozen=True)
class Rule:
    """A way to see that names belong together.

    Attributes:
        level: rules of one level are equally good; a smaller one is surer.
        name: the rule in words.
        image: key of images.
        mask: key of masks.
        several: whether an image may have several masks, of an object each.
        whole: whether the rule counts only where every image and every mask has a partner.
    """

    level: int
    name: str
    image: Key
    mask: Key
    several: bool = False
    whole: bool = False


#: Pictures of each series.
Groups = Sequence[Sequence[Picture]]


def rules(images: Groups, masks: Groups) -> Iterator[Rule]:
    """Yield the rules that may pair images and masks, the surest first."""
    scopes = _scopes([picture for side in (images, masks) for group in side for picture in group])
    for level, (name, stem) in enumerate(
        (('equal names', lambda p: p.stem), ('equal names but for case', lambda p: p.plain_stem))
    ):
        for scope in scopes:
            yield Rule(level, name, _within(scope, stem), _within(scope, stem))
    for scope in scopes:
        yield Rule(2, 'names without words for images and masks', _words(scope), _words(scope))
    yield Rule(2, 'names with their folders', _with_folders, _with_folders)
    for scope in scopes:
        name = 'names without the numbers of objects'
        yield Rule(3, name, _words(scope), _objects(scope), several=True)
    yield Rule(3, 'a folder for the masks of an image', _as_folder, _folders, several=True)
    yield from _affix_rules(images, masks, scopes)
    yield Rule(5, 'a folder for an image and its masks', _own_folder, _own_folder, several=True)
    yield from _number_rules(images, masks, scopes)


_Scope = Callable[[Picture], Hashable]


def _scopes(pictures: Sequence[Picture]) -> list[_Scope]:
    """Return how much of the folders has to be equal, all of it first, without what is the same."""
    depth = max(len(picture.folders) for picture in pictures)
    ends = sorted({depth, *range(min(depth, 2) + 1)}, reverse=True)
    splits = (True, False) if any(picture.split for picture in pictures) else (False,)
    return [_scope(split, end) for split in splits for end in ends]


def _scope(with_split: bool, end: int) -> _Scope:
    def scope(picture: Picture) -> Hashable:
        folders = picture.folders[max(0, len(picture.folders) - end) :]
        return (picture.split if with_split else None, folders)

    return scope


def _within(scope: _Scope, stem: Callable[[Picture], Hashable | None]) -> Key:
    def key(picture: Picture) -> Hashable | None:
        found = stem(picture)
        return None if found is None else (scope(picture), found)

    return key


def _words(scope: _Scope) -> Key:
    def key(picture: Picture) -> Hashable | None:
        core = picture.core
        return (scope(picture), core) if core or picture.folders else None

    return key


def _objects(scope: _Scope) -> Key:
    """Of ``scan_mask_2`` what is in front of the word and its number."""

    def key(picture: Picture) -> Hashable | None:
        words = words_of(picture.stem)
        if len(words) > 2 and words[-1].isdecimal() and is_role(words[-2]):
            words = words[:-1]
        core = tuple(word for word in words if not is_role(word))
        return (scope(picture), core) if core else None

    return key


def _with_folders(picture: Picture) -> Hashable | None:
    """``p1/007`` and ``p1_007``."""
    folders = (word for folder in picture.folders for word in words_of(folder))
    return (picture.split, *folders, *picture.core)


def _as_folder(picture: Picture) -> Hashable | None:
    return (picture.split, picture.folders, picture.plain_stem)


def _folders(picture: Picture) -> Hashable | None:
    folders = picture.folders
    return (picture.split, folders[:-1], folders[-1]) if folders else None


def _own_folder(picture: Picture) -> Hashable | None:
    return (picture.split, picture.folders) if picture.folders else None


def _affix_rules(images: Groups, masks: Groups, scopes: Sequence[_Scope]) -> Iterator[Rule]:
    """Names without what all of a series have at their beginning or end: 21_training, 21_hand."""
    name = 'names without the beginning or end that all have'
    variants = [_variants(_affixes(side)) for side in (images, masks)]
    for image, mask in itertools.product(*variants):
        for scope in scopes:
            yield Rule(LEAST_SURE, name, _cut(scope, image), _cut(scope, mask))


_Affixes = dict[Picture, tuple[str, str]]


def _variants(affixes: _Affixes) -> list[_Affixes]:
    """Return beginnings and ends to cut off: both, one of them, none."""
    shortened = (
        {picture: (head * a, tail * b) for picture, (head, tail) in affixes.items()}
        for a, b in itertools.product((1, 0), repeat=2)
    )
    found: list[_Affixes] = []
    for one in shortened:
        if one not in found:
            found.append(one)
    return found


def _cut(scope: _Scope, affixes: _Affixes) -> Key:
    def core(picture: Picture) -> Hashable | None:
        head, tail = affixes[picture]
        stem = picture.plain_stem
        return stem[len(head) : len(stem) - len(tail)] or None

    return _within(scope, core)


def _affixes(groups: Groups) -> _Affixes:
    """Return beginning and end that names share with all others of their series and split."""
    found: _Affixes = {}
    for members in _by_split(groups):
        names = [picture.plain_stem for picture in members]
        head = common_beginning(names)
        tail = common_beginning([name[len(head) :][::-1] for name in names])[::-1]
        found |= dict.fromkeys(members, (head, tail) if len(names) > 1 else ('', ''))
    return found


def _by_split(groups: Groups) -> Iterator[list[Picture]]:
    for pictures in groups:
        found: dict[Hashable, list[Picture]] = defaultdict(list)
        for picture in pictures:
            found[picture.split].append(picture)
        yield from found.values()


def common_beginning(names: Sequence[str]) -> str:
    """Return what all names begin with, without a part of a number or of a word."""
    text = os.path.commonprefix(names)  # noqa: RUF071  (of characters is what is meant)
    following = [name[len(text) : len(text) + 1] for name in names]
    for kind in (str.isdecimal, str.isalpha):
        if text and kind(text[-1]) and any(not sign or kind(sign) for sign in following):
            return text.rstrip(''.join({sign for sign in text if kind(sign)}))
    return text


def _number_rules(images: Groups, masks: Groups, scopes: Sequence[_Scope]) -> Iterator[Rule]:
    name = 'a number in common'
    varying = _varying(images), _varying(masks)
    places = [_places(side) for side in (images, masks)]
    for scope in scopes:
        image, mask = (_numbers(scope, side) for side in varying)
        yield Rule(6, name, image, mask, whole=True)
        for one, other in itertools.product(*places):
            yield Rule(6, name, _number(scope, one), _number(scope, other), whole=True)


def _places(groups: Groups) -> list[int]:
    """Return the places of a number, from the end too where names have not equally many."""
    counts = {len(_NUMBER.findall(picture.stem)) for group in groups for picture in group}
    most = min(max(counts), _PLACES)
    return [*range(most), *(range(-1, -most - 1, -1) if len(counts) > 1 else ())]


def _varying(groups: Groups) -> dict[Picture, set[int]]:
    """Return the places of the numbers that are not the same in all names of a series and split."""
    found: dict[Picture, set[int]] = {}
    for members in _by_split(groups):
        seen: dict[int, set[int]] = defaultdict(set)
        for picture in members:
            for place, number in enumerate(_NUMBER.findall(picture.stem)):
                seen[place].add(int(number))
        places = {place for place, values in seen.items() if len(values) > 1}
        found |= dict.fromkeys(members, places)
    return found


def _numbers(scope: _Scope, varying: dict[Picture, set[int]]) -> Key:
    def core(picture: Picture) -> Hashable | None:
        places = varying[picture]
        found = [int(n) for place, n in enumerate(_NUMBER.findall(picture.stem)) if place in places]
        return tuple(found) or None

    return _within(scope, core)


def _number(scope: _Scope, place: int) -> Key:
    def core(picture: Picture) -> Hashable | None:
        found = _NUMBER.findall(picture.stem)
        return int(found[place]) if -len(found) <= place < len(found) else None

    return _within(scope, core)
