"""Files that belong together by their names: all images of a folder, all that end in ``_mask``."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import content
from .files import Picture
from .words import SPLIT_WORDS, is_role, plain, role_of, words_of

#: A label that a name has beside its core, and the core: ('_mask', '0001').
_Parts = tuple[Hashable, Hashable]

TAIL = re.compile(
    r'(?P<core>.*?)(?P<label>(?:[-_. ()]*[^\W\d_]+)+|(?:[-_. ()]+[^\W\d_]+)+\d{1,2})$'
)
_SEPARATOR = re.compile(r'[-_. ]')
_HEAD = re.compile(r'(?P<label>(?:[^\W\d_]+[-_. ()]*)+)(?P<core>.*)$')


@dataclass(frozen=True)
class Series:
    """Pictures of one kind.

    Attributes:
        role: 'image' or 'mask' where names or contents say so, else None.
        pictures: the pictures, sorted.
        by_content: whether the role comes from what the pictures look like.
    """

    role: str | None
    pictures: tuple[Picture, ...]
    by_content: bool = False


def find_series(folder: Path, pictures: Sequence[Picture]) -> list[Series]:
    """Return the series of a folder, by the names of its folders first and then of its files."""
    wordless = _wordless_siblings(pictures)
    groups: dict[tuple[str, ...], list[Picture]] = defaultdict(list)
    for picture in pictures:
        groups[_folder_label(picture, wordless)].append(picture)
    parted = {label: _part(folder, members, _role(label)) for label, members in groups.items()}
    merged: dict[Hashable, list[tuple[str | None, bool, list[Picture]]]] = defaultdict(list)
    for label, parts in parted.items():
        # Folders that hold images and masks alike, such as those of patients, are one.
        one = (
            tuple('*' if not role_of(part) else part for part in label) if len(parts) > 1 else label
        )
        for name, role, by_content, members in parts:
            merged[one, name].append((role, by_content, members))
    found = []
    for series in merged.values():
        roles = {role for role, _, _ in series}
        role = roles.pop() if len(roles) == 1 else None
        members = sorted((p for _, _, ps in series for p in ps), key=lambda p: p.path.parts)
        found.append(Series(role, tuple(members), any(guess for _, guess, _ in series)))
    return sorted(found, key=lambda series: series.pictures[0].path.parts)


def _wordless_siblings(pictures: Sequence[Picture]) -> Counter[tuple[str, ...]]:
    """Return, for each folder, how many folders in it say neither a split nor a role."""
    seen: set[tuple[str, ...]] = set()
    for picture in pictures:
        parts = picture.path.parts[:-1]
        seen |= {parts[: n + 1] for n in range(picture.skip, len(parts))}
    splits = pictures[0].splits
    return Counter(
        parts[:-1] for parts in seen if parts[-1] not in splits and not role_of(parts[-1])
    )


def _folder_label(picture: Picture, wordless: Counter[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the folders of a picture without splits, with '*' for those that part the images."""
    parts = picture.path.parts[:-1]
    has_role = any(map(role_of, picture.parts))
    label = []
    for n, part in enumerate(picture.parts, picture.skip):
        if role_of(part):
            label.append(' '.join(w for w in words_of(part) if w not in SPLIT_WORDS))
        elif part not in picture.splits:
            label.append('*' if has_role or wordless[parts[:n]] >= 3 else part)
    return tuple(label)


def _role(label: Sequence[str]) -> str | None:
    return next((role for part in reversed(label) if (role := role_of(part))), None)


def _part(
    folder: Path, members: list[Picture], role: str | None
) -> list[tuple[Hashable, str | None, bool, list[Picture]]]:
    """Return the series in folders of one label: their name, role, whether guessed, and members."""
    by_word = _valid(members, _word_parts)
    if by_word and any(_label_role(label) == 'mask' for label in by_word):
        bare = None if role == 'mask' else 'image'
        return [
            (label, _label_role(label) or bare, False, found) for label, found in by_word.items()
        ]
    for parts_of in (_ending_parts, _longer_parts(members), _tail_parts, _head_parts):
        found = _valid(members, parts_of)
        kinds = {
            label: content.of_series(folder, [p.path for p in ps]) for label, ps in found.items()
        }
        like_masks = [label for label, kind in kinds.items() if kind in ('mask', 'cutout')]
        if role == 'mask' and len(like_masks) == len(found) > 1 and parts_of is not _head_parts:
            return [(label, 'mask', False, ps) for label, ps in found.items()]
        if 0 < len(like_masks) < len(found):
            return [
                (label, 'mask' if label in like_masks else 'image', True, ps)
                for label, ps in found.items()
            ]
    roles = Counter(_label_role(_word_parts(picture)[0]) for picture in members)
    of_stems = max(roles, key=lambda key: roles[key])
    if roles[of_stems] == len(members) and of_stems and role != 'mask':
        role = of_stems if role in (None, of_stems) else None
    return [('', role, False, members)]


def _valid(
    members: Iterable[Picture], parts_of: Callable[[Picture], _Parts]
) -> dict[Hashable, list[Picture]]:
    """Return the members by label if most have a partner of another label, else nothing."""
    by_label: dict[Hashable, list[Picture]] = defaultdict(list)
    cores: dict[Hashable, set[Hashable]] = defaultdict(set)
    for picture in members:
        label, core = parts_of(picture)
        by_label[label].append(picture)
        cores[label].add((picture.path.parent, core))
    if not 2 <= len(by_label) <= 8:
        return {}
    numbers: Counter[Hashable] = Counter(core for found in cores.values() for core in found)
    partnered = sum(count for count in numbers.values() if count > 1)
    crowded = parts_of is not _word_parts and any(
        len(found) < len(by_label[label]) for label, found in cores.items()
    )
    few = (
        parts_of is not _ending_parts
        and parts_of is not _word_parts
        and any(len(found) < 2 for found in by_label.values())
    )
    return {} if crowded or few or 2 * partnered < sum(numbers.values()) else dict(by_label)


def _word_parts(picture: Picture) -> _Parts:
    words = words_of(picture.stem)
    label = tuple(word for word in words if is_role(word))
    core = [word for word in words if not is_role(word)]
    after = len(words) > 1 and words[-1].isdecimal() and words[-2] in label and len(core) > 1
    return label, tuple(core[:-1] if after else core)


def _label_role(label: Hashable) -> str | None:
    return role_of(' '.join(label)) if isinstance(label, tuple) and label else None


def _ending_parts(picture: Picture) -> _Parts:
    return picture.path.suffix.lower(), plain(picture.stem)


def _longer_parts(members: Sequence[Picture]) -> Callable[[Picture], _Parts]:
    """Return what parts names into that of another picture of the folder and what is added to it.

    ``Image_01L``, ``Image_01L_1stHO`` and ``Image_01L_2ndHO`` are three labels of one core.
    """
    known = {(picture.path.parent, plain(picture.path.stem)) for picture in members}

    def parts_of(picture: Picture) -> _Parts:
        stem = plain(picture.path.stem)
        for found in _SEPARATOR.finditer(stem):  # the shortest first
            if (picture.path.parent, stem[: found.start()]) in known:
                return stem[found.start() :], stem[: found.start()]
        return '', stem

    return parts_of


def _tail_parts(picture: Picture) -> _Parts:
    return _match_parts(TAIL, picture)


def _head_parts(picture: Picture) -> _Parts:
    return _match_parts(_HEAD, picture)


def _match_parts(pattern: re.Pattern[str], picture: Picture) -> _Parts:
    found = pattern.match(plain(picture.path.stem))
    return (found['label'], found['core']) if found else ('', plain(picture.path.stem))
