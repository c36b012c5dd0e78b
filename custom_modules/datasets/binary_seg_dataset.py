"""What the data sets of PetSeg share."""

import random
from typing import Any, ClassVar

import numpy as np
import torch
from mmengine.dataset import BaseDataset

from ..errors import UserError
from .seeded_sampler import SeededIndex


class BinarySegDataset(BaseDataset):
    """A list of images with masks of two classes.

    Each entry of ``load_data_list`` holds ``img_path``, ``seg_map_path``, ``sample_id`` and
    ``mask_encodings`` (see LoadMask).

    The random transforms of a sample depend on the index that asks for it and nothing else, so any
    number of workers and a resumed run draw the same numbers (see SeededSampler).

    Args:
        n_aug: how many copies of the whole list follow it (R2): the size is (1 + n_aug) x original.
            Entries get ``copy``, 0 for the original; the transform EnlargedCopies changes the rest.
        kwargs: of MMEngine's BaseDataset.

    Raises:
        UserError: ``n_aug`` is negative.
    """

    METAINFO: ClassVar[dict] = dict(
        classes=('background', 'foreground'), palette=[[0, 0, 0], [255, 255, 255]]
    )

    def __init__(self, n_aug: int = 0, **kwargs: Any) -> None:
        if n_aug < 0:
            raise UserError(f'n_aug={n_aug} is not allowed; use 0 or the number of added copies')
        self.n_aug = n_aug
        super().__init__(**kwargs)

    def __len__(self) -> int:
        return (1 + self.n_aug) * super().__len__()

    def get_data_info(self, idx: int) -> dict:
        copy, index = divmod(int(idx), super().__len__())
        return super().get_data_info(index) | dict(copy=copy)

    def prepare_data(self, idx: int) -> dict:
        if not isinstance(idx, SeededIndex):
            return super().prepare_data(idx)
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        random.seed(idx.seed)
        np.random.seed(idx.seed)
        torch.manual_seed(idx.seed)
        try:
            return super().prepare_data(idx)
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_rng_state(states[2])
