"""Oxford-IIIT Pet (Parkhi et al., CVPR 2012): pet against background from the trimaps."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from mmengine.registry import DATASETS

from ..errors import UserError
from ..paths import resolve_path
from .binary_seg_dataset import BinarySegDataset
from .list_file import read_lines, refuse_doubles

PET, BACKGROUND, BORDER = 1, 2, 3

#: Trimap value -> label, for each way to count the border (255: the pixel does not count).
BORDER_POLICIES: dict[str, dict[int, int]] = {
    'foreground': {PET: 1, BACKGROUND: 0, BORDER: 1},
    'background': {PET: 1, BACKGROUND: 0, BORDER: 0},
    'ignore': {PET: 1, BACKGROUND: 0, BORDER: 255},
    'only': {PET: 0, BACKGROUND: 0, BORDER: 1},
}

SPLITS = ('train', 'val', 'trainval', 'test')


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
        species = 'cat' if fields[2] == '1' else 'dog'
        entries.append(PetEntry(name, species, breed=name.rpartition('_')[0]))
    refuse_doubles([entry.sample_id for entry in entries], path)
    return entries


def read_split(annotations: Path, split: str) -> list[PetEntry]:
    """Return the entries of a split.

    ``test`` is ``test.txt``. Of the lines of ``trainval.txt``, counted from 0, those divisible by
    10 are ``val`` and the others ``train``: 3,312 / 368 / 3,669 on the full data set, the split of
    the five reports and of segmentation_models.pytorch.

    Raises:
        UserError: the split is unknown, or its list file is missing or malformed.
    """
    if split not in SPLITS:
        raise UserError(f'split={split!r} is not allowed; use one of {", ".join(SPLITS)}')
    if split == 'test':
        return read_list_file(annotations / 'test.txt')
    entries = read_list_file(annotations / 'trainval.txt')
    if split == 'trainval':
        return entries
    return [entry for i, entry in enumerate(entries) if (i % 10 == 0) == (split == 'val')]


@DATASETS.register_module()
class OxfordPetDataset(BinarySegDataset):
    """``images/<id>.jpg`` with ``annotations/trimaps/<id>.png``, split by the official lists.

    Each sample carries ``sample_id``, ``species`` ('cat' or 'dog') and ``breed``.

    Args:
        data_root: folder that holds ``images`` and ``annotations``.
        split: 'train', 'val', 'trainval' or 'test', see ``read_split``.
        border: what the trimap's border (value 3) is: 'foreground' (the reports), 'background',
            'ignore' (counts nowhere) or 'only' (the border alone is the foreground, R3).
        kwargs: of MMEngine's BaseDataset, such as ``pipeline`` and ``indices``.

    Raises:
        UserError: an unknown split or border, or files are missing.
    """

    METAINFO: ClassVar[dict] = dict(
        classes=('background', 'pet'), palette=[[0, 0, 0], [255, 255, 255]]
    )

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        border: str = 'foreground',
        **kwargs: Any,
    ) -> None:
        if border not in BORDER_POLICIES:
            raise UserError(
                f'border={border!r} is not allowed; use one of {", ".join(BORDER_POLICIES)}'
            )
        self.split = split
        self.border = border
        super().__init__(data_root=str(resolve_path(data_root)), data_prefix={}, **kwargs)

    def load_data_list(self) -> list[dict]:
        root = Path(self.data_root)
        entries = read_split(root / 'annotations', self.split)
        # Two listings are quicker than two questions for each of thousands of files.
        images = _file_names(root / 'images')
        trimaps = _file_names(root / 'annotations' / 'trimaps')
        if not entries:
            raise UserError(f'{root}: the list of the split {self.split!r} names no image')
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
                f'{root}: {len(missing)} files of the split {self.split!r} are missing, the first '
                f'is {missing[0]}; see python tools/prepare_data.py --check --root {root}'
            )
        return [
            dict(
                img_path=str(root / 'images' / f'{entry.sample_id}.jpg'),
                seg_map_path=str(root / 'annotations' / 'trimaps' / f'{entry.sample_id}.png'),
                sample_id=entry.sample_id,
                species=entry.species,
                breed=entry.breed,
                mask_encodings=[BORDER_POLICIES[self.border]],
            )
            for entry in entries
        ]


def _file_names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()
