"""Images and masks wherever they lie, paired and split by a table."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, ClassVar

from mmengine.registry import DATASETS

from ..base.errors import EmptySplitError, UserError, did_you_mean
from ..base.paths import resolve_path
from .binary_seg_dataset import BinarySegDataset
from .list_file import some
from .pairs_table import PairRow, read_pairs_table
from .splits import SPLITS, counts_line

#: What masks hold where nothing else is said.
PLAIN = ({0: 0, 1: 1}, {0: 0, 255: 1})


@DATASETS.register_module()
class ListedPairsDataset(BinarySegDataset):
    """Pairs of a table (CSV) with the columns image, mask, split and, if wanted, group.

    ``tools/prepare_data.py --from FOLDER`` writes such a table; anybody may write one by hand. An
    image is called after its file; where two files have one stem, their folders come first.

    Args:
        data_root: folder below which the images lie.
        pairs: the table, see ``pairs_table``.
        mask_root: folder below which the masks lie; None if it is ``data_root``.
        mask_encodings: what the masks' values mean, as LoadMask takes it: the first dict (value of
            the file -> 0, 1, or 255 for what does not count) that covers a file is used. None for
            0 and 1, or 0 and 255.
        split: split to read: 'train', 'val', 'test' or 'all'.
        kwargs: further arguments of MMEngine's BaseDataset, such as ``pipeline`` and ``indices``.

    Raises:
        UserError: the table is wrong (see ``read_pairs_table``), a file of any split is missing, or
            the split is unknown or empty.
    """

    group_keys: ClassVar[tuple[str, ...]] = ('group',)

    def __init__(
        self,
        data_root: str,
        pairs: str,
        mask_root: str | None = None,
        mask_encodings: Sequence[dict[int, int]] | None = None,
        split: str = 'train',
        **kwargs: Any,
    ) -> None:
        if split not in (*SPLITS, 'all'):
            raise UserError(
                f'split={split!r} is not allowed; use one of {", ".join(SPLITS)}, all'
                f'{did_you_mean(str(split), SPLITS)}'
            )
        self.split = split
        self.pairs = resolve_path(pairs)
        self.mask_root = resolve_path(mask_root or data_root)
        self.mask_encodings = [_checked(encoding) for encoding in (mask_encodings or PLAIN)]
        super().__init__(data_root=str(resolve_path(data_root)), data_prefix={}, **kwargs)

    def load_split(self, split: str) -> list[dict]:
        """Return the entries of a split; files of all splits have to be there.

        A mask that is missing from the test split would else be met after the training.
        """
        rows = read_pairs_table(self.pairs)
        root = Path(self.data_root)
        _refuse_missing(root, [row.image for row in rows], 'images', 'data_root')
        _refuse_missing(self.mask_root, [row.mask for row in rows], 'masks', 'mask_root')
        names = sample_ids([row.image for row in rows])
        self.known_ids = set(names.values())
        counts = Counter(row.split for row in rows)
        line = counts_line(self.pairs, len(rows), {one: counts[one] for one in SPLITS}, [])
        found = [row for row in rows if split in (row.split, 'all')]
        if not found:
            raise EmptySplitError(
                f'{line}: the split {split!r} is empty; write {split!r} into the column split of '
                'some rows'
            )
        self.say(line)
        return [self._entry(root, row, names[row.image]) for row in found]

    def _entry(self, root: Path, row: PairRow, sample_id: str) -> dict:
        return dict(
            img_path=str(root / row.image),
            seg_map_path=str(self.mask_root / row.mask),
            sample_id=sample_id,
            mask_encodings=self.mask_encodings,
            group=row.group,
        )


def _checked(encoding: dict) -> dict[int, int]:
    """Return values and labels as numbers: data that went through JSON have texts as keys."""
    try:
        found = {int(value): int(label) for value, label in encoding.items()}
    except (AttributeError, TypeError, ValueError):
        found = {}
    if (
        not found
        or not all(0 <= value <= 255 for value in found)
        or {*found.values()} - {0, 1, 255}
    ):
        raise UserError(
            f'mask_encodings has {str(encoding)[:80]}; use dicts of values of masks (0 to 255) to '
            '0, 1 or 255 (does not count), such as {0: 0, 255: 1}'
        )
    return found


def sample_ids(images: Iterable[str]) -> dict[str, str]:
    """Return a name for each image: its stem, or its whole path where a stem comes twice."""
    paths = {image: PurePosixPath(image) for image in images}
    stems = Counter(path.stem.casefold() for path in paths.values())
    names: dict[str, str] = {}
    taken: set[str] = set()
    for image, path in paths.items():
        name = path.stem
        if stems[name.casefold()] > 1:
            name = '_'.join([*path.parts[:-1], path.stem])
            if name.casefold() in taken:
                name = '_'.join(path.parts)
        number = 2
        free = name
        while free.casefold() in taken:
            free, number = f'{name}_{number}', number + 1
        taken.add(free.casefold())
        names[image] = free
    return names


def _refuse_missing(root: Path, files: Iterable[str], what: str, key: str) -> None:
    """Look into each folder once: quicker than to ask for each of thousands of files."""
    by_folder: dict[str, list[str]] = defaultdict(list)
    for file in files:
        folder, _, name = file.rpartition('/')
        by_folder[folder].append(name)
    missing = []
    for folder, names in by_folder.items():
        try:
            there = set(os.listdir(root / folder))  # noqa: PTH208  (the names alone)
        except OSError:
            there = set()
        missing += [f'{folder}/{name}'.lstrip('/') for name in names if name not in there]
    if missing:
        raise UserError(
            f'{root}: {len(missing):,} {what} of the table are not there: {some(missing)}; set '
            f'{key} to their folder, or prepare the data again (tools/prepare_data.py --from)'
        )
