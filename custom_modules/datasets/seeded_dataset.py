"""Random numbers of a sample by the seed of its index, and batches that a resumed epoch skips."""

import random
from collections.abc import Iterator
from functools import cached_property
from itertools import chain, count, islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.registry import DATASETS
from mmengine.structures import BaseDataElement
from torch.utils.data import BatchSampler, DataLoader, Dataset, Sampler

from ..base.errors import UserError
from .seeded_sampler import SeededIndex

#: Names that no group may have: columns of ``per_image.csv``, and groups that every test has.
TAKEN = (
    *('id', 'groups', 'tp', 'fp', 'fn', 'tn', 'dice', 'size', 'frame', 'touches_frame'),
    *('band_both', 'band_only_prediction', 'band_only_truth', 'outline_near', 'outline_far'),
    *('iou_boundary', 'dice_surface'),
)


class SeededDataset(Dataset):
    """Any data set, whose random transforms depend on the seed of the index and nothing else.

    The seed is set around the outermost data set, because those that hold others (ConcatDataset,
    RepeatDataset, torch's Subset) compute with the index, which leaves a bare number. Everything
    but the access to samples is the data set's own.

    Samples get a ``sample_id`` where they have none, and one of their own where a test set holds
    others: results are told apart by it. Those of a test set get ``groups``, a dict of texts: what
    their entry holds under each of the data set's ``group_keys``.

    Args:
        dataset: built data set to wrap, such as one of the config.
    """

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    @classmethod
    def build(cls, config: Any) -> 'SeededDataset':
        """Build the data set of a config and read its list as MMEngine does; take a built one."""
        dataset: Any = DATASETS.build(config) if isinstance(config, dict) else config
        if hasattr(dataset, 'full_init'):
            dataset.full_init()
        return dataset if isinstance(dataset, cls) else cls(dataset)

    def __getattr__(self, name: str) -> Any:
        if name == 'dataset':  # not there yet while a worker unpickles this
            raise AttributeError(name)
        return getattr(self.dataset, name)

    def __len__(self) -> int:
        return len(self.dataset)

    @cached_property
    def names(self) -> list[str]:
        """What each image is called; a second one of a name gets ``name_2``."""
        taken: dict[str, None] = {}
        for index in range(len(self)):
            name = self._name(index)
            numbered = (f'{name}_{number}' for number in count(2))
            taken[next(n for n in chain([name], numbered) if n not in taken)] = None
        return list(taken)

    def positions(self) -> dict[str, int]:
        """Return where each image is, by its name."""
        return {name: index for index, name in enumerate(self.names)}

    @cached_property
    def group_keys(self) -> list[str]:
        """What the images are grouped by: ``group_keys`` of all data sets that this one holds.

        Raises:
            UserError: a key is that of another column of ``per_image.csv``, or the entries of the
                data set that names it do not have it.
        """
        keys: dict[str, None] = {}
        for one in _all_held(self.dataset):
            own = dict.fromkeys(map(str, getattr(one, 'group_keys', ())))
            lost = own.keys() - _entry_of(one, 0).keys() if len(one) else set()
            if lost:
                raise UserError(
                    f'group_keys: {min(lost)!r} is in no entry of {type(one).__name__}; give it to '
                    "each entry of the data set's list (get_data_info), or leave it out"
                )
            keys |= own
        for key in keys:
            if key in TAKEN or not key.isidentifier():
                raise UserError(
                    f'group_keys: {key!r} is not allowed; use a name of letters that is none of '
                    f'{", ".join(TAKEN)}'
                )
        return [*keys]

    @property
    def num_excluded(self) -> int:
        """How many images ``exclude`` took from this data set and all that it holds."""
        return sum(getattr(one, 'num_excluded', 0) for one in _all_held(self.dataset))

    def _name(self, index: int) -> str:
        entry = _entry_of(self.dataset, index)
        path = entry.get('img_path')
        return str(entry.get('sample_id') or (Path(path).stem if path else f'{index:06}'))

    def _named(self, sample: Any, index: int) -> Any:
        packed = sample.get('data_samples') if isinstance(sample, dict) else None
        if isinstance(packed, BaseDataElement) and (
            'sample_id' not in packed or self._names_may_be_doubled
        ):
            name = self.names[index] if self._is_test else self._name(index)
            packed.set_metainfo(dict(sample_id=name))
        if isinstance(packed, BaseDataElement) and self._is_test and self.group_keys:
            # Of data sets that are held together each has groups of its own.
            entry = _entry_of(self.dataset, index)
            groups = {key: str(entry.get(key, '')) for key in self.group_keys}
            packed.set_metainfo(dict(groups=groups))
        return sample

    @cached_property
    def _is_test(self) -> bool:
        return any(getattr(one, 'test_mode', False) for one in _all_held(self.dataset))

    @cached_property
    def _names_may_be_doubled(self) -> bool:
        held = _all_held(self.dataset)
        return self._is_test and len(held) > 1 and hasattr(self.dataset, 'get_data_info')

    def __getitem__(self, index: int) -> Any:
        if not isinstance(index, SeededIndex):
            return self._named(self.dataset[index], index)
        states = random.getstate(), np.random.get_state(), torch.get_rng_state()
        random.seed(index.seed)
        np.random.seed(index.seed)
        # The CPU's alone: those of GPUs, which torch.manual_seed sets too, are the network's.
        torch.default_generator.manual_seed(index.seed)
        try:
            return self._named(self.dataset[int(index)], int(index))
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])
            torch.set_rng_state(states[2])


def _entry_of(dataset: Any, index: int) -> dict:
    return dataset.get_data_info(index) if hasattr(dataset, 'get_data_info') else {}


def _all_held(dataset: Any) -> list[Any]:
    """Return a data set and all that it holds."""
    inner = [*getattr(dataset, 'datasets', ())]
    if hasattr(dataset, 'dataset'):
        inner.append(dataset.dataset)
    return [dataset, *(one for item in inner for one in _all_held(item))]


def batches_from(loader: DataLoader, done: int) -> Iterator[dict]:
    """Return the batches of an epoch without the first ``done``, which a stopped run has seen.

    They are skipped before anything is read. Where batches are put together by a sampler of the
    user's own, they are read and dropped, because nobody else knows what they hold.
    """
    if done and type(loader.batch_sampler) is BatchSampler:
        samples = done * loader.batch_sampler.batch_size
        loader.batch_sampler.sampler = _LateStart(loader.batch_sampler.sampler, samples)
        done = 0
    return islice(iter(loader), done, None)


class _LateStart(Sampler):
    """A sampler without its first samples in the next iteration; later ones are whole."""

    def __init__(self, sampler: Any, skipped: int) -> None:
        self.sampler, self.skipped = sampler, skipped

    def __len__(self) -> int:
        return len(self.sampler)

    def __iter__(self) -> Iterator[int]:
        skipped, self.skipped = self.skipped, 0
        return islice(iter(self.sampler), skipped, None)
