"""The splits that somebody's folders and lists make."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from ..base.errors import UserError
from ..datasets.list_file import read_lines, refuse_overlap, some
from .files import PICTURE_SUFFIXES
from .words import SPLIT_WORDS, plain, role_of, split_of, words_of

#: Words of a list's name beside its split.
_LIST_WORDS = frozenset(
    ('list', 'lists', 'id', 'ids', 'file', 'files', 'name', 'names', 'set', 'sets', 'split')
)

_REMEDY = 'Let everybody read it, or move it away'


@dataclass
class FoundSplits:
    """Image -> 'train', 'val' or 'test', for the images that have one, and what to say of it."""

    of: dict[PurePosixPath, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def find_splits(
    folder: Path,
    files: Sequence[PurePosixPath],
    images: Mapping[PurePosixPath, Sequence[PurePosixPath]],
    by_folder: Mapping[PurePosixPath, str],
) -> FoundSplits:
    """Return the splits that lists make, or else folders.

    Args:
        folder: folder that is looked at.
        files: all files below it.
        images: image -> its masks, whose names a list may hold as well.
        by_folder: image -> split that its folders, or those of its masks, name.

    Raises:
        UserError: lists share an image, or say something else than the folders.
    """
    found = FoundSplits(dict(by_folder))
    listed = _read_lists(folder, files, images, found.notes)
    if by_folder:
        found.notes.append(f'splits by folders: {counted(by_folder.values())}')
    for path, (split, members, unknown) in listed.items():
        note = f'{path}: {len(members):,} images of {split}'
        if unknown:
            note += f'; {len(unknown):,} of its names are no pair: {some(unknown)}'
        found.notes.append(note)
        for image in members:
            if found.of.setdefault(image, split) != split:
                raise UserError(
                    f'{folder / path}: has {str(image)!r} in {split}, its folder says '
                    f'{by_folder[image]}; move the list away, or out of the folders of splits'
                )
    return found


def counted(splits: Iterable[str]) -> str:
    """Return how many images each split has: ``train 5, val 1``."""
    counts = Counter(splits)
    order = [split for split in ('train', 'val', 'test') if split in counts]
    return ', '.join(f'{split} {counts[split]:,}' for split in order)


_Listed = dict[PurePosixPath, tuple[str, list[PurePosixPath], list[str]]]


def _read_lists(
    folder: Path,
    files: Sequence[PurePosixPath],
    images: Mapping[PurePosixPath, Sequence[PurePosixPath]],
    notes: list[str],
) -> _Listed:
    names = _Names(images)
    found: dict[str, _Listed] = defaultdict(dict)
    for path in files:
        split = _split_of_list(path)
        if split is None:
            continue
        lines = [line.strip() for line in read_lines(folder / path, _REMEDY) if line.strip()]
        looked_up = [(line, names.find(line)) for line in lines]
        several = [line for line, meant in looked_up if len(meant) > 1]
        if several:
            raise UserError(
                f'{folder / path}: {len(several):,} names fit several images: {some(several)}; '
                'write their folders too, or move the list away'
            )
        members = list(dict.fromkeys(image for _, meant in looked_up for image in meant))
        unknown = [line for line, meant in looked_up if not meant]
        if 2 * len(members) >= len(lines) > 0 or (members and len(path.parts) == 1):
            found[split][path] = (split, members, unknown)
        elif lines:
            notes.append(
                f'{path}: no list of {split}, {len(members):,} of its {len(lines):,} lines are '
                f'pairs ({some(lines)})'
            )
    whole = {'trainval', 'train_val'}
    if 'val' in found:  # both together are listed once more
        found['train'] = {p: v for p, v in found['train'].items() if plain(p.stem) not in whole}
    chosen: _Listed = {}
    for split, lists in found.items():
        if lists:
            path = _one_of(folder, split, lists)
            chosen[path] = lists[path]
    texts = {
        str(path): [str(image) for image in members] for path, (_, members, _) in chosen.items()
    }
    refuse_overlap(texts, folder)
    return chosen


def _split_of_list(path: PurePosixPath) -> str | None:
    """Return the split of a list called train.txt, val_list.csv or images_test.txt."""
    if path.suffix.lower() not in ('.txt', '.csv', '.lst'):
        return None
    words = [word for word in words_of(path.stem) if word not in _LIST_WORDS]
    if words == ['train', 'val']:
        return 'train'
    if sum(word in SPLIT_WORDS for word in words) != 1:
        return None
    return split_of(' '.join(words))


def _one_of(folder: Path, split: str, lists: _Listed) -> PurePosixPath:
    """Return the one list of a split; of several that of segmentation, as in Pascal VOC."""
    paths = list(lists)
    if len({frozenset(members) for _, members, _ in lists.values()}) > 1:
        of_masks = [path for path in paths if any(role_of(p) == 'mask' for p in path.parts[:-1])]
        if len(of_masks) != 1:
            raise UserError(
                f'{folder}: {some([str(p) for p in paths])} are different lists of {split}; move '
                'those away that are not meant'
            )
        return of_masks[0]
    return paths[0]


class _Names:
    """Finds the image that a line means: its stem, its name, its path, or those of its mask."""

    def __init__(self, images: Mapping[PurePosixPath, Sequence[PurePosixPath]]) -> None:
        self.known: dict[tuple[str, ...], set[PurePosixPath]] = defaultdict(set)
        for image, masks in images.items():
            for path in (image, *masks):
                parts = tuple(map(plain, path.parts))
                bare = (*parts[:-1], plain(path.stem))
                for n in range(len(parts)):
                    self.known[parts[n:]].add(image)
                    self.known[bare[n:]].add(image)

    def find(self, line: str) -> set[PurePosixPath]:
        """Return the images that a line may mean: one, several, or none."""
        for text in (line, *line.replace(',', ' ').replace('\t', ' ').split()[:1]):
            parts = tuple(plain(part) for part in PurePosixPath(text.replace('\\', '/')).parts)
            for n in range(len(parts)):  # a list may begin with folders that are not here
                tail = parts[n:]
                bare = (*tail[:-1], PurePosixPath(tail[-1]).stem) if tail else tail
                is_picture = PurePosixPath(text).suffix.lower() in PICTURE_SUFFIXES
                found = self.known.get(tail) or (self.known.get(bare) if is_picture else None)
                if found:
                    return found
        return set()
