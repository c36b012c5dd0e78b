"""What the data sets of PetSeg share."""

import random
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.dataset import BaseDataset
from mmengine.dist import is_main_process

from ..errors import UserError
from ..paths import resolve_path
from .image_cache import FOLDER, CacheUnavailableError, ImageCache, open_cache, split_steady
from .seeded_sampler import SeededIndex


class BinarySegDataset(BaseDataset):
    """A list of images with masks of two classes.

    Each entry of ``load_data_list`` holds ``img_path``, ``seg_map_path``, ``sample_id`` and
    ``mask_encodings`` (see LoadMask).

    The random transforms of a sample depend on the index that asks for it and nothing else, so any
    number of workers and a resumed run draw the same numbers (see SeededSampler).

    Args:
        cache: keep decoded and resized images in a memory-mapped file: True for a folder beside the
            data, a path for another place. The pixels are the same as without. Where they do not
            fit (no room, images of different sizes) a line says so and the files are read.
        n_aug: how many copies of the whole list follow it (R2): the size is (1 + n_aug) x original.
            Entries get ``copy``, 0 for the original; the transform EnlargedCopies changes the rest.
        kwargs: of MMEngine's BaseDataset.

    Raises:
        UserError: ``n_aug`` is negative.
    """

    METAINFO: ClassVar[dict] = dict(
        classes=('background', 'foreground'), palette=[[0, 0, 0], [255, 255, 255]]
    )

    def __init__(self, n_aug: int = 0, cache: bool | str = False, **kwargs: Any) -> None:
        if n_aug < 0:
            raise UserError(f'n_aug={n_aug} is not allowed; use 0 or the number of added copies')
        self.n_aug = n_aug
        self.cache: ImageCache | None = None
        super().__init__(**kwargs)
        if cache:
            self._use_cache(cache)

    def _use_cache(self, cache: bool | str) -> None:
        folder = Path(self.data_root, FOLDER) if cache is True else resolve_path(str(cache))
        steady, self._random_steps = split_steady(self.pipeline.transforms)
        entries = [self.get_data_info(index) for index in range(super().__len__())]
        try:
            self.cache, line = open_cache(entries, steady, folder)
        except CacheUnavailableError as reason:
            line = f'not used, {reason}'
        if is_main_process():
            print(f'cache of the split {self.split!r}: {line}', flush=True)

    def __len__(self) -> int:
        return (1 + self.n_aug) * super().__len__()

    def get_data_info(self, idx: int) -> dict:
        copy, index = divmod(int(idx), super().__len__())
        return super().get_data_info(index) | dict(copy=copy)

    def _run_pipeline(self, idx: int) -> dict:
        if self.cache is None:
            return super().prepare_data(idx)
        results: Any = self.cache.fill(int(idx) % super().__len__(), self.get_data_info(idx))
        for step in self._random_steps:
            results = step(results)
        return results

    def prepare_data(self, idx: int) -> dict:
        if not isinstance(idx, SeededIndex):
            return self._run_pipeline(idx)
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        random.seed(idx.seed)
        np.random.seed(idx.seed)
        torch.manual_seed(idx.seed)
        try:
            return self._run_pipeline(idx)
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_rng_state(states[2])
