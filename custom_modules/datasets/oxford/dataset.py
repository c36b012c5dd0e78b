"""Oxford-IIIT Pet (Parkhi et al., CVPR 2012): pet against background from the trimaps."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mmengine.registry import DATASETS

from ...base.errors import EmptySplitError, UserError, did_you_mean
from ...base.paths import resolve_path
from ...base.shell import shell_command
from ..binary_seg_dataset import BinarySegDataset
from ..list_file import read_lines, refuse_doubles, refuse_overlap
from ..splits import counts_line

PET, BACKGROUND, BORDER = 1, 2, 3

#: Trimap value -> label, for each border policy (255: the pixel does not count).
BORDER_POLICIES: dict[str, dict[int, int]] = {
    'foreground': {PET: 1, BACKGROUND: 0, BORDER: 1},
    'background': {PET: 1, BACKGROUND: 0, BORDER: 0},
    'ignore': {PET: 1, BACKGROUND: 0, BORDER: 255},
    'only': {PET: 0, BACKGROUND: 0, BORDER: 1},
}

SPECIES = ('cat', 'dog')

SPLITS = ('train', 'val', 'trainval', 'test')

#: Images of the official archive that are damaged, CMYK, GIF or PNG under a .jpg name. Everybody
#: uses them as they are, so of these alone what can be decoded is taken.
KNOWN_ODD = {'beagle_116', 'chihuahua_121', 'Abyssinian_5', 'Abyssinian_34'} | {
    f'Egyptian_Mau_{number}' for number in (14, 139, 145, 156, 167, 177, 186, 191)
}


@dataclass(frozen=True)
class PetEntry:
    """One line of a list file: ``Abyssinian_100 1 1 1``."""

    sample_id: str
    species: str
    breed: str


def read_list_file(path: Path) -> list[PetEntry]:
    """Read ``trainval.txt``, ``test.txt`` or ``list.txt``.

    Raises:
        UserError: the file is missing, a line is not ``id class species breed``, or an image is
            listed twice.
    """
    lines = read_lines(
        path,
        'Prepare the data first: '
        'python tools/prepare_data.py --download (or --archives DIR, or --sample)',
    )
    entries = []
    for number, line in enumerate(lines, start=1):
        fields = line.split()
        if not fields or fields[0].startswith('#'):
            continue
        if len(fields) != 4 or fields[2] not in ('1', '2'):
            raise UserError(
                f'{path}, line {number}: {line[:80]!r}; expected "name class species breed" '
                'with species 1 (cat) or 2 (dog)'
            )
        name = fields[0]
        if '/' in name or '\\' in name or name.startswith('.'):
            raise UserError(f'{path}, line {number}: {name[:80]!r} is not the name of an image')
        species = SPECIES[int(fields[2]) - 1]
        entries.append(PetEntry(name, species, breed=name.rpartition('_')[0]))
    refuse_doubles([entry.sample_id for entry in entries], path)
    return entries


def read_splits(annotations: Path, needed: str) -> dict[str, list[PetEntry]]:
    """Return the entries of every split whose list is there.

    ``test`` is ``test.txt``. Of the lines of ``trainval.txt``, counted from 0, those divisible by
    10 are ``val`` and the others ``train``: 3,312 / 368 / 3,669 on the full data set, the split of
    the five reports and of segmentation_models.pytorch.

    Args:
        annotations: folder of the two lists, ``trainval.txt`` and ``test.txt``.
        needed: split whose list has to be there: 'train', 'val', 'trainval' or 'test'.

    Raises:
        UserError: the split is unknown, its list is missing, one of the lists is malformed, or both
            name an image.
    """
    if needed not in SPLITS:
        raise UserError(
            f'split={needed!r} is not allowed; use one of {", ".join(SPLITS)}'
            f'{did_you_mean(str(needed), SPLITS)}'
        )
    files = {name: annotations / name for name in ('trainval.txt', 'test.txt')}
    own = 'test.txt' if needed == 'test' else 'trainval.txt'
    lists = {
        name: read_list_file(path)
        for name, path in files.items()
        if name == own or os.path.lexists(path)
    }
    refuse_overlap({name: [e.sample_id for e in lists[name]] for name in lists}, annotations)
    splits: dict[str, list[PetEntry]] = {}
    if 'trainval.txt' in lists:
        entries = lists['trainval.txt']
        splits = dict(
            train=[entry for i, entry in enumerate(entries) if i % 10],
            val=entries[::10],
            trainval=entries,
        )
    if 'test.txt' in lists:
        splits['test'] = lists['test.txt']
    return splits


@DATASETS.register_module()
class OxfordPetDataset(BinarySegDataset):
    """``images/<id>.jpg`` with ``annotations/trimaps/<id>.png``, split by the official lists.

    Images are grouped by ``species`` ('cat' or 'dog') and ``breed``.

    Args:
        data_root: folder that holds ``images`` and ``annotations``.
        split: split to read: 'train', 'val', 'trainval' or 'test', see ``read_splits``.
        border: meaning of the trimap's border (value 3): 'foreground' (the reports), 'background',
            'ignore' (counts nowhere) or 'only' (the border alone is the foreground, R3).
        species: 'cat' or 'dog' to leave the others out; None for both.
        kwargs: further arguments of BinarySegDataset, such as ``pipeline`` and ``subset``.

    Raises:
        UserError: the split, the border or the species is unknown, or files are missing.
    """

    METAINFO: ClassVar[dict] = dict(
        classes=('background', 'pet'), palette=[[0, 0, 0], [255, 255, 255]]
    )
    group_keys: ClassVar[tuple[str, ...]] = ('species', 'breed')

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        border: str = 'foreground',
        species: str | None = None,
        **kwargs: Any,
    ) -> None:
        if border not in BORDER_POLICIES:
            raise UserError(
                f'border={border!r} is not allowed; use one of {", ".join(BORDER_POLICIES)}'
            )
        if species not in (None, *SPECIES):
            raise UserError(f'species={species!r} is not allowed; use None, cat or dog')
        self.split = split
        self.border = border
        self.species = species
        super().__init__(data_root=str(resolve_path(data_root)), data_prefix={}, **kwargs)

    def load_split(self, split: str) -> list[dict]:
        root = Path(self.data_root)
        splits = read_splits(root / 'annotations', split)
        entries = [e for e in splits[split] if self.species in (None, e.species)]
        self.known_ids = {entry.sample_id for one in splits.values() for entry in one}
        # Two listings are quicker than two questions for each of thousands of files.
        images = _file_names(root / 'images')
        trimaps = _file_names(root / 'annotations' / 'trimaps')
        if not entries:
            raise EmptySplitError(
                f'{root}: the split {split!r} is empty; its list names too few '
                f'{"images" if self.species is None else f"{self.species}s"}'
            )
        missing = [
            f'{folder}/{entry.sample_id}{suffix}'
            for entry in entries
            for folder, suffix, present in (
                ('images', '.jpg', images),
                ('annotations/trimaps', '.png', trimaps),
            )
            if entry.sample_id + suffix not in present
        ]
        if missing:
            raise UserError(
                f'{root}: {len(missing)} files of the split {split!r} are missing, the first '
                f'is {missing[0]}; see {shell_command("prepare_data", "--check", "--root", root)}'
            )
        self.say(_counts(root, splits, images))
        return [
            dict(
                img_path=str(root / 'images' / f'{entry.sample_id}.jpg'),
                seg_map_path=str(root / 'annotations' / 'trimaps' / f'{entry.sample_id}.png'),
                sample_id=entry.sample_id,
                species=entry.species,
                breed=entry.breed,
                as_published=entry.sample_id in KNOWN_ODD,
                mask_encodings=[BORDER_POLICIES[self.border]],
            )
            for entry in entries
        ]


def _counts(root: Path, splits: dict[str, list[PetEntry]], images: set[str]) -> str:
    listed = {entry.sample_id for entries in splits.values() for entry in entries}
    counts = {split: len(entries) for split, entries in splits.items() if split != 'trainval'}
    unused = sum(Path(name).stem not in listed for name in images if not name.startswith('.'))
    return counts_line(root, len(listed), counts, [f'{unused:,} in no list'] if unused else [])


def _file_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
