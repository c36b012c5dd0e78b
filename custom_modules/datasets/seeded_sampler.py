"""A sampler whose indices carry the random seed of their sample."""

from collections.abc import Iterator, Sized
from typing import Any

import numpy as np
from mmengine.dataset import DefaultSampler
from mmengine.registry import DATA_SAMPLERS


class SeededIndex(int):
    """An index with ``seed``, the seed for the random transforms of this sample in this epoch."""

    seed: int

    def __new__(cls, index: int, seed: int) -> 'SeededIndex':
        self = super().__new__(cls, index)
        self.seed = seed
        return self

    def __reduce__(self) -> tuple:
        return SeededIndex, (int(self), self.seed)


@DATA_SAMPLERS.register_module()
class SeededSampler(DefaultSampler):
    """MMEngine's DefaultSampler with one seed per (run seed, epoch, index, time in the epoch).

    MMEngine seeds the workers themselves, which gives non-persistent workers the same augmentation
    in every epoch and makes the numbers depend on how many workers there are.
    SeededDataset, which the runner puts around every data set, sets the seed.

    Args:
        dataset: data set whose indices are drawn.
        times: number of times that each index comes in an epoch, such as patches per picture.
        kwargs: further arguments of DefaultSampler.
    """

    def __init__(self, dataset: Sized, times: int = 1, **kwargs: Any) -> None:
        self.length = len(dataset)
        super().__init__(range(times * self.length), **kwargs)

    def __iter__(self) -> Iterator[int]:
        for number in super().__iter__():
            time, index = divmod(number, self.length)
            # A zero at the end changes nothing: the first time has the seed of (epoch, index).
            sequence = np.random.SeedSequence([self.seed, self.epoch, index, time])
            yield SeededIndex(index, int(sequence.generate_state(1)[0]))
