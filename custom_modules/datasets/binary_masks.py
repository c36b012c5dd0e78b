"""Anybody's images and masks in two folders."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from mmengine.registry import DATASETS

from ..errors import UserError
from ..paths import resolve_path
from .binary_seg_dataset import BinarySegDataset
from .list_file import read_lines, refuse_doubles

IMAGE_SUFFIXES = {'.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff'}
SPLITS = ('train', 'val', 'test', 'all')


@DATASETS.register_module()
class BinaryMaskDataset(BinarySegDataset):
    """``images/<stem>.*`` with ``masks/<stem>.*``; masks hold 0 and 1, or 0 and 255.

    A split is the stems in ``<data_root>/<split>.txt`` where that file exists. Otherwise the sorted
    stems are shuffled by ``split_seed`` and cut by ``fractions``, so that every run and every
    machine gets the same split.

    Args:
        data_root: folder that holds both folders.
        split: 'train', 'val', 'test' or 'all'.
        images: name of the images' folder.
        masks: name of the masks' folder.
        fractions: shares of train, val and test; each share gets at least one image.
        split_seed: of the shuffle.
        ignore_value: value of the masks that marks pixels that do not count; None if there is none.
            255 can be one only if the foreground is 1.
        kwargs: of MMEngine's BaseDataset, such as ``pipeline`` and ``indices``.

    Raises:
        UserError: a folder is missing or empty, a file has no partner, two have one stem, or the
            split is unknown or empty.
    """

    def __init__(
        self,
        data_root: str,
        split: str = 'train',
        images: str = 'images',
        masks: str = 'masks',
        fractions: tuple[float, float, float] = (0.8, 0.1, 0.1),
        split_seed: int = 0,
        ignore_value: int | None = None,
        **kwargs: Any,
    ) -> None:
        if split not in SPLITS:
            raise UserError(f'split={split!r} is not allowed; use one of {", ".join(SPLITS)}')
        if len(fractions) != 3 or min(fractions) < 0 or abs(sum(fractions) - 1) > 1e-6:
            raise UserError(
                f'fractions={tuple(fractions)}: give the shares of train, val, test; their sum is 1'
            )
        self.split = split
        self.images = images
        self.masks = masks
        self.fractions = fractions
        self.split_seed = split_seed
        self.mask_encodings = [{0: 0, 1: 1}, {0: 0, 255: 1}]
        if ignore_value is not None:
            self.mask_encodings = [
                {**encoding, ignore_value: 255}
                for encoding in self.mask_encodings
                if ignore_value not in encoding
            ]
        super().__init__(data_root=str(resolve_path(data_root)), data_prefix={}, **kwargs)

    def load_data_list(self) -> list[dict]:
        root = Path(self.data_root)
        images = _by_stem(root / self.images)
        masks = _by_stem(root / self.masks)
        _refuse_orphans(root / self.images, images, root / self.masks, masks)
        stems = self._stems_of_split(root, sorted(images))
        if not stems:
            raise UserError(
                f'{root}: the split {self.split!r} is empty; it has {len(images)} images'
            )
        return [
            dict(
                img_path=str(images[stem]),
                seg_map_path=str(masks[stem]),
                sample_id=stem,
                mask_encodings=self.mask_encodings,
            )
            for stem in stems
        ]

    def _stems_of_split(self, root: Path, stems: list[str]) -> list[str]:
        if self.split == 'all':
            return stems
        list_file = root / f'{self.split}.txt'
        if list_file.is_file():
            lines = read_lines(list_file, 'Let everybody read it')
            listed = [line.strip() for line in lines if line.strip()]
            refuse_doubles(listed, list_file)
            unknown = sorted(set(listed) - set(stems))
            if unknown:
                raise UserError(
                    f'{list_file}: {len(unknown)} names have no image, the first is {unknown[0]!r}'
                )
            return listed
        shuffled = np.random.RandomState(self.split_seed).permutation(len(stems))
        num_test = _share(len(stems), self.fractions[2])
        num_val = _share(len(stems), self.fractions[1])
        cuts = dict(
            test=shuffled[:num_test],
            val=shuffled[num_test : num_test + num_val],
            train=shuffled[num_test + num_val :],
        )
        return [stems[i] for i in sorted(cuts[self.split])]


def _share(total: int, fraction: float) -> int:
    return max(1, round(total * fraction)) if fraction > 0 else 0


def _by_stem(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise UserError(
            f'{folder}: there is no such folder; it should hold the files of the data set'
        )
    files = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith('.')
    ]
    if not files:
        raise UserError(f'{folder}: no images in it; known are {", ".join(sorted(IMAGE_SUFFIXES))}')
    stem, count = Counter(path.stem for path in files).most_common(1)[0]
    if count > 1:
        raise UserError(f'{folder}: {count} files are called {stem!r}; keep one of them')
    return {path.stem: path for path in files}


def _refuse_orphans(
    image_folder: Path, images: dict[str, Path], mask_folder: Path, masks: dict[str, Path]
) -> None:
    for folder, alone, other in (
        (image_folder, sorted(images.keys() - masks.keys()), mask_folder),
        (mask_folder, sorted(masks.keys() - images.keys()), image_folder),
    ):
        if alone:
            shown = ', '.join(alone[:3]) + (', ...' if len(alone) > 3 else '')
            raise UserError(
                f'{folder}: {len(alone)} files have no partner of the same stem in {other}: '
                f'{shown}; '
                'add the partners or move the files away'
            )
