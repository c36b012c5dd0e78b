"""What the data sets of PetSeg share."""

import random
from typing import ClassVar

import numpy as np
import torch
from mmengine.dataset import BaseDataset

from .seeded_sampler import SeededIndex


class BinarySegDataset(BaseDataset):
    """A list of images with masks of two classes.

    Each entry of ``load_data_list`` holds ``img_path``, ``seg_map_path``, ``sample_id`` and
    ``mask_encodings`` (see LoadMask).

    The random transforms of a sample depend on the index that asks for it and nothing else, so any
    number of workers and a resumed run draw the same numbers (see SeededSampler).
    """

    METAINFO: ClassVar[dict] = dict(
        classes=('background', 'foreground'), palette=[[0, 0, 0], [255, 255, 255]]
    )

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
