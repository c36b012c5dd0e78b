"""What the data sets of PetSeg share."""

import contextlib
import functools
from collections.abc import Collection
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from mmengine.dataset import BaseDataset
from mmengine.dist import is_main_process

from ..base.errors import EmptySplitError, UnreadableImageError, UserError
from ..base.paths import resolve_path
from .exclude_list import excluded_line, read_exclude_list
from .folds import check_fold, folds_of
from .image_cache import FOLDER, CacheUnavailableError, ImageCache, open_cache, split_deterministic
from .image_reading import ImageReading


class BinarySegDataset(BaseDataset):
    """A list of images with masks of two classes.

    A class of it gives the entries of a split by ``load_split``. Each holds ``img_path``,
    ``seg_map_path``, ``sample_id`` and ``mask_encodings`` (see LoadMask), and a text for each of
    ``group_keys``: what is known of an image beside its mask, by which a test breaks its metrics
    down. Images that belong together, such as those of a patient, have one ``group``.

    Args:
        cache: whether decoded and resized images are kept in a memory-mapped file: True for a
            folder beside the data, a path for another place. The pixels are the same as without.
            Where they do not fit (no room, images of different sizes) a line says so and the files
            are read.
        unreadable: treatment of an image or mask that a training cannot decode. 'error' stops;
            'skip' takes the next image of the list in its place and says so in the sample's meta
            information (``unreadable``), which UnreadableImagesHook counts. Validation and test
            always stop: their metrics would be of other images.
        image_reading: how the values of image files become channels, the arguments of
            ``ImageReading`` as a dict; None for colours of 8 bits.
        n_aug: number of copies of the whole list that follow it (R2): the size is (1 + n_aug) x
            original. Entries get ``copy``, 0 for the original; the transform OfflineAugmentation
            changes the others.
        fold: (k, n) for the fold k (from 0) of n in a cross-validation: the images of train and val
            are divided anew, 'val' is the part that is held out, 'train' are the others, and 'test'
            stays what it is; see ``folds_of``. None for the splits as they are.
        exclude: path of a list of images that are left out of this split, see
            ``read_exclude_list``; it may name those of other splits too. None leaves none out.
        subset: number of images to take, drawn from the list without those; None for all. A smaller
            number takes a part of what a larger one takes, so that the gain of more labels can be
            told.
        subset_seed: seed of the draw.
        kwargs: further arguments of MMEngine's BaseDataset, such as ``data_root`` and ``pipeline``.

    Raises:
        UserError: ``n_aug`` is negative, ``unreadable`` unknown, ``image_reading`` not allowed,
            ``fold`` is no fold, the list of ``exclude`` cannot be read, names what is no image of
            the data set, or all that there are; or there are fewer images than ``subset``.

    Attributes:
        num_excluded: number of images of this split that ``exclude`` left out.
    """

    METAINFO: ClassVar[dict] = dict(
        classes=('background', 'foreground'), palette=[[0, 0, 0], [255, 255, 255]]
    )

    group_keys: ClassVar[tuple[str, ...]] = ()

    #: That is read: 'train', 'val', 'test' or what else a class has.
    split: str = ''

    #: Of all splits; set by ``load_split``.
    known_ids: Collection[str] = ()

    #: Whether ``load_data_list`` has looked at ``fold``; that of a class of one's own may not.
    _looked_at_fold = False

    def __init__(
        self,
        n_aug: int = 0,
        cache: bool | str = False,
        unreadable: str = 'error',
        fold: tuple[int, int] | None = None,
        exclude: str | None = None,
        subset: int | None = None,
        subset_seed: int = 0,
        image_reading: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if unreadable not in ('error', 'skip'):
            raise UserError(f"unreadable={unreadable!r} is not allowed; use 'error' or 'skip'")
        if n_aug < 0:
            raise UserError(f'n_aug={n_aug} is not allowed; use 0 or the number of added copies')
        if fold is not None:
            check_fold(fold, self.split)
        self.n_aug = n_aug
        self.fold = fold
        self.subset, self.subset_seed = subset, subset_seed
        self.unreadable = unreadable
        self.exclude = exclude
        self.num_excluded = 0
        self.image_reading = ImageReading.of(image_reading)
        self.cache: ImageCache | None = None
        super().__init__(**kwargs)
        if cache:
            self._use_cache(cache)

    def load_split(self, split: str) -> list[dict]:
        """Return the entries of a split.

        Raises:
            EmptySplitError: the split has no image.
            UserError: the files of the split are not as they have to be, or the class defines
                neither this method nor ``load_data_list``.
        """
        raise UserError(
            f'{type(self).__name__} does not say which images the split {split!r} has; let it '
            'define load_split(split), see docs/own-parts.md'
        )

    def load_data_list(self) -> list[dict]:
        """Return the entries of the split, or of what ``fold`` makes of it."""
        self._looked_at_fold = True
        if self.fold is None or self.split == 'test':
            return self.load_split(self.split)
        entries = self.load_split('train')
        with contextlib.suppress(EmptySplitError):
            entries += self.load_split('val')
        held_out, number = self.fold
        strata = [key for key in self.group_keys if key != 'group']
        folds = folds_of(entries, number, strata)
        self.say(
            f'fold {held_out} of 0 to {number - 1}: {folds.count(held_out):,} of the '
            f'{len(entries):,} images of train and val are held out'
        )
        is_val = self.split == 'val'
        pairs = zip(entries, folds, strict=True)
        return [entry for entry, fold in pairs if (fold == held_out) == is_val]

    def filter_data(self) -> list[dict]:
        """Return the entries of ``load_data_list`` that are asked for, in its order."""
        if self.fold is not None and not self._looked_at_fold:
            raise UserError(
                f'fold={self.fold!r}: {type(self).__name__} has a load_data_list that knows '
                'nothing of folds; let it define load_split(split) instead'
            )
        entries: list[dict] = super().filter_data()
        if self.exclude is not None:
            entries = self._without_excluded(entries, self.exclude)
        return entries if self.subset is None else self._subset(entries, self.subset)

    def _without_excluded(self, entries: list[dict], exclude: str) -> list[dict]:
        if not self.known_ids:
            raise UserError(
                f'exclude={exclude!r}: {type(self).__name__} does not say which ids it has; '
                'let its load_split set self.known_ids'
            )
        path = resolve_path(exclude)
        excluded = set(read_exclude_list(path, self.known_ids))
        kept = [entry for entry in entries if entry['sample_id'] not in excluded]
        self.num_excluded = len(entries) - len(kept)
        line = excluded_line(path, self.split, self.num_excluded, len(entries))
        if not kept:
            raise UserError(f'{line}; leave some in')
        self.say(line)
        return kept

    def _subset(self, entries: list[dict], subset: int) -> list[dict]:
        if not 0 < subset <= len(entries):
            raise UserError(
                f'subset={subset} is not allowed; the split has {len(entries):,} images'
            )
        order = np.random.default_rng(self.subset_seed).permutation(len(entries))
        return [entries[index] for index in sorted(order[:subset])]

    def _use_cache(self, cache: bool | str) -> None:
        folder = Path(self.data_root, FOLDER) if cache is True else resolve_path(str(cache))
        deterministic, self._random_steps = split_deterministic(self.pipeline.transforms)
        entries = [self.get_data_info(index) for index in range(super().__len__())]
        try:
            self.cache, line = open_cache(entries, deterministic, folder)
        except CacheUnavailableError as reason:
            line = f'not used, {reason}'
        if is_main_process():
            print(f'cache of the split {self.split!r}: {line}', flush=True)

    @staticmethod
    @functools.cache
    def say(line: str) -> None:
        """Print a line about the whole data set once, whichever of its splits say it."""
        if is_main_process():
            print(line, flush=True)

    def __len__(self) -> int:
        return (1 + self.n_aug) * super().__len__()

    def get_data_info(self, idx: int) -> dict:
        copy, index = divmod(int(idx) % len(self), super().__len__())
        return super().get_data_info(index) | dict(copy=copy, image_reading=self.image_reading)

    def _run_pipeline(self, idx: int) -> dict:
        index = int(idx) % super().__len__()
        results: Any = self.cache and self.cache.fill(index, self.get_data_info(idx))
        if results is None:
            return super().prepare_data(idx)
        for step in self._random_steps:
            results = step(results)
        return results

    def prepare_data(self, idx: int) -> dict:
        if self.unreadable == 'error' or self.test_mode:
            return self._run_pipeline(idx)
        left_out = []
        for step in range(len(self)):
            index = (int(idx) + step) % len(self)
            try:
                sample = self._run_pipeline(index)
            except UnreadableImageError as error:
                left_out.append(str(error))
                continue
            sample['data_samples'].set_metainfo(dict(unreadable=left_out))
            return sample
        raise UserError(f'none of the {len(self)} images can be read; the first: {left_out[0]}')
