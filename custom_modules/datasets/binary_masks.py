"""Anybody's images and masks in two folders."""

from pathlib import Path
from typing import Any

from mmengine.registry import DATASETS

from ..base.errors import EmptySplitError, UserError, did_you_mean
from ..base.paths import resolve_path
from .binary_seg_dataset import BinarySegDataset
from .list_file import some
from .pairs import Pairs, find_pairs
from .splits import SPLITS, check_fractions, counts_line, divide, explain, read_lists

#: Endings of the files that are read as images and masks, in any case; their content decides.
IMAGE_SUFFIXES = {'.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.gif', '.avif'} | {
    '.ppm',
    '.pgm',
    '.pbm',
    '.pnm',
}


@DATASETS.register_module()
class BinaryMaskDataset(BinarySegDataset):
    """``images/<stem>.*`` with ``masks/<stem>.*``; masks hold 0 and 1, or 0 and 255.

    A split is the stems in ``<data_root>/<split>.txt`` where that file exists. The others come from
    the stems that no list names, shuffled by ``split_seed`` and cut by ``fractions``; where
    ``train.txt`` exists, validation is cut out of it instead (see ``splits.divide``). Every run and
    every machine gets the same splits, no image is in two, and a line says how many each has.

    Args:
        data_root: folder that holds both folders.
        split: split to read: 'train', 'val', 'test' or 'all'.
        images: name of the images' folder.
        masks: name of the masks' folder.
        fractions: shares of train, val and test; each share gets at least one image.
        split_seed: seed of the shuffle that decides which images are in which split.
        ignore_value: value of the masks that marks pixels that do not count; None if there is none.
            255 can be one only if the foreground is 1.
        kwargs: further arguments of MMEngine's BaseDataset, such as ``pipeline`` and ``indices``.

    Raises:
        UserError: a folder is missing or empty, a file has no partner, two have one stem, lists are
            wrong or share an image, or the split is unknown or empty.
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
        if split not in (*SPLITS, 'all'):
            raise UserError(
                f'split={split!r} is not allowed; use one of {", ".join(SPLITS)}, all'
                f'{did_you_mean(str(split), SPLITS)}'
            )
        check_fractions(fractions, split_seed)
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

    def load_split(self, split: str) -> list[dict]:
        root = Path(self.data_root)
        pairs = find_pairs(root / self.images, root / self.masks, IMAGE_SUFFIXES)
        self.known_ids = set(pairs.images)
        return [
            dict(
                img_path=str(pairs.images[stem]),
                seg_map_path=str(pairs.masks[stem]),
                sample_id=stem,
                mask_encodings=self.mask_encodings,
            )
            for stem in self._stems_of_split(root, pairs, split)
        ]

    def _stems_of_split(self, root: Path, pairs: Pairs, split: str) -> list[str]:
        stems, divided, notes = list(pairs.images), {}, []
        if split != 'all':
            listed = read_lists(root, stems)
            divided = divide(stems, listed, self.fractions, self.split_seed)
            notes = explain(listed, divided)
        used = set().union(*divided.values()) if divided else set(stems)
        unused = [stem for stem in stems if stem not in used]
        for names, what in ((unused, 'images in no list'), (pairs.left_out, 'files left out')):
            if names:
                notes.append(f'{len(names):,} {what}: {some(names)}')
        counts = {split: len(members) for split, members in divided.items()}
        line = counts_line(root, len(used), counts, notes)
        found = divided.get(split, []) if divided else stems
        if not found:
            raise EmptySplitError(
                f'{line}: the split {split!r} is empty; name its images in {split}.txt, '
                f'or give it a share of fractions={tuple(self.fractions)}'
            )
        self.say(line)
        return found
