"""Names, groups and random numbers of samples, of whatever data set they are."""

import pickle
import random
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import pytest
import torch
from mmseg.structures import SegDataSample
from torch.utils.data import BatchSampler, DataLoader, Subset

from custom_modules.base.errors import UserError
from custom_modules.datasets.seeded_dataset import SeededDataset, batches_from
from custom_modules.datasets.seeded_sampler import SeededIndex, SeededSampler
from custom_modules.engine.rng import rng_state, set_rng_state


class Entries(list):
    """A data set of entries; what it packs has the entry's ``sample_id``, if it has one."""

    metainfo: dict = {}  # noqa: RUF012  (as MMEngine's data sets have it)

    def __init__(self, *entries: dict, test_mode: bool = True, keys: tuple = ()) -> None:
        super().__init__(entries)
        self.test_mode, self.group_keys = test_mode, keys
        self.initialised = 0

    def full_init(self) -> None:
        self.initialised += 1

    def get_data_info(self, index: int) -> dict:
        return super().__getitem__(index)

    def __getitem__(self, index: int) -> dict:
        entry = self.get_data_info(index)
        known = {'sample_id': entry['sample_id']} if 'sample_id' in entry else {}
        return dict(inputs=torch.zeros(3, 1, 1), data_samples=SegDataSample(metainfo=known))


class Joined:
    """Data sets one after the other, as MMEngine's ConcatDataset has them."""

    def __init__(self, *datasets: Entries) -> None:
        self.datasets = datasets
        self.places = [(one, index) for one in datasets for index in range(len(one))]

    def __len__(self) -> int:
        return len(self.places)

    def get_data_info(self, index: int) -> dict:
        dataset, place = self.places[index]
        return dataset.get_data_info(place)

    def __getitem__(self, index: int) -> dict:
        dataset, place = self.places[index]
        return dataset[place]


A, B = dict(sample_id='a'), dict(sample_id='b')


def packed(dataset: SeededDataset) -> list[Any]:
    return [dataset[index]['data_samples'] for index in range(len(dataset))]


@pytest.mark.parametrize(
    ('entry', 'name'),
    [
        (dict(sample_id='a', img_path='photos/b.jpg'), 'a'),
        (dict(img_path='photos/b.jpg'), 'b'),
        ({}, '000000'),
    ],
)
def test_what_an_image_is_called(entry: dict, name: str) -> None:
    dataset = SeededDataset(Entries(entry))
    assert dataset.names == [name]
    assert packed(dataset)[0].sample_id == name


def test_images_of_one_name_are_numbered() -> None:
    dataset = SeededDataset(Entries(A, A, B, dict(sample_id='a_2'), A))
    assert dataset.names == ['a', 'a_2', 'b', 'a_2_2', 'a_3']
    assert dataset.positions() == dict(zip(dataset.names, range(5), strict=True))


@pytest.mark.parametrize(
    ('dataset', 'names'),
    [
        # What is held by another may be there twice: results are told apart by the name.
        (Joined(Entries(A, B), Entries(A)), ['a', 'b', 'a_2']),
        (Joined(Entries(A), Entries(A, test_mode=False)), ['a', 'a_2']),
        (Joined(Entries(A, test_mode=False), Entries(A, test_mode=False)), ['a', 'a']),
        (Entries(A, A), ['a', 'a']),  # its own matter
        (Entries({}, {}), ['000000', '000001']),
        (Entries({}, dict(img_path='x/000000.png')), ['000000', '000000_2']),
        (Entries({}, dict(img_path='x/000000.png'), test_mode=False), ['000000', '000000']),
        (Subset(Entries(B, A, A), [1, 2]), ['a', 'a']),  # says nothing of its entries
    ],
)
def test_which_name_a_sample_has(dataset: Any, names: list[str]) -> None:
    assert [sample.sample_id for sample in packed(SeededDataset(dataset))] == names


def test_what_is_no_sample_of_mmengine_stays_as_it_is() -> None:
    for sample in (3, dict(inputs=3), dict(data_samples=3)):
        assert SeededDataset([sample])[0] == sample


CAT, DOG = dict(A, kind='cat', place=1), dict(B, kind='dog')


def test_each_image_of_a_test_has_the_groups_of_its_data_set() -> None:
    cats, dogs = Entries(CAT, keys=('kind', 'place')), Entries(DOG, keys=('kind',))
    both = SeededDataset(Joined(cats, dogs))
    assert both.group_keys == ['kind', 'place']
    groups = [sample.groups for sample in packed(both)]
    assert groups == [dict(kind='cat', place='1'), dict(kind='dog', place='')]
    training = SeededDataset(Entries(CAT, keys=('kind',), test_mode=False))
    assert 'groups' not in packed(training)[0]
    assert 'groups' not in packed(SeededDataset(Entries(CAT)))[0]
    assert SeededDataset(Entries(keys=('kind',))).group_keys == ['kind']  # there is none to ask


@pytest.mark.parametrize(
    ('key', 'message'),
    [
        ('camra', "'camra' is in no entry of Entries; give it to"),
        ('dice', "'dice' is not allowed; use a name of letters that is none of id, groups, tp"),
        ('size', "'size' is not allowed"),
        ('a b', "'a b' is not allowed"),
    ],
)
def test_groups_that_cannot_be(key: str, message: str) -> None:
    entry = A if key == 'camra' else A | {key: 'x'}
    with pytest.raises(UserError, match=f'group_keys: {message}'):
        packed(SeededDataset(Joined(Entries(B), Entries(entry, keys=(key,)))))


def test_a_data_set_is_wrapped_once_and_is_what_it_was() -> None:
    inner = Entries(A, B)
    dataset = SeededDataset.build(inner)
    assert inner.initialised == 1
    assert SeededDataset.build(dataset) is dataset
    assert SeededDataset.build([1, 2])[1] == 2
    assert dataset.test_mode is True and len(dataset) == 2
    with pytest.raises(AttributeError, match='nothing_like_it'):
        dataset.nothing_like_it  # noqa: B018
    again = pickle.loads(pickle.dumps(SeededDataset([1, 2])))  # as workers get it
    assert again[1] == 2


@pytest.mark.parametrize('done', [0, 1, 3, 4])
def test_only_the_first_epoch_after_a_resume_is_shortened(done: int) -> None:
    sampler = SeededSampler(range(8), seed=3)
    loader = DataLoader(range(8), batch_size=2, sampler=sampler, drop_last=True)
    whole = [batch.tolist() for batch in loader]
    assert sorted(chain(*whole)) == [*range(8)]
    epochs = [[batch.tolist() for batch in batches_from(loader, n)] for n in (done, 0, 0, done)]
    assert epochs == [whole[done:], whole, whole, whole[done:]]
    assert len(loader) == 4
    sampler.set_epoch(1)
    assert [batch.tolist() for batch in batches_from(loader, 0)] != whole


@pytest.mark.parametrize('draw', [random.random, np.random.rand, lambda: torch.rand(1).item()])
def test_a_sample_is_drawn_by_its_seed_and_leaves_the_generators_alone(
    draw: Callable[[], float], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Those of GPUs would not be put back.
    monkeypatch.setattr(torch.cuda, 'manual_seed_all', lambda _: pytest.fail('a GPU is seeded'))

    class Drawn(list):
        def __getitem__(self, index: int) -> float:
            if index == 1:
                raise UserError('unreadable')
            return draw()

    dataset = SeededDataset(Drawn(range(3)))
    state = rng_state()
    wanted = [draw(), draw()]
    set_rng_state(state)
    first = dataset[SeededIndex(0, 7)]
    assert dataset[SeededIndex(2, 7)] == first != dataset[SeededIndex(0, 8)]
    assert draw() == wanted[0]
    with pytest.raises(UserError, match='unreadable'):
        dataset[SeededIndex(1, 7)]
    assert dataset[0] == wanted[1]  # without a seed the global generator's next


def test_batches_that_are_skipped_are_not_read() -> None:
    read: list[int] = []

    class Noted(list):
        def __getitem__(self, index: int) -> int:
            read.append(index)
            return index

    loader = DataLoader(Noted(range(6)), batch_size=2)
    assert [batch.tolist() for batch in batches_from(loader, 2)] == [[4, 5]]
    assert read == [4, 5]

    class OfMyOwn(BatchSampler):
        """Nobody else knows what its batches hold."""

    loader = DataLoader(Noted(range(6)), batch_sampler=OfMyOwn(range(6), 2, drop_last=False))
    assert [batch.tolist() for batch in batches_from(loader, 1)] == [[2, 3], [4, 5]]
    assert read[2:] == [*range(6)]


def test_seeds_differ_between_epochs_images_and_runs() -> None:
    seeds = set()
    for seed in (0, 1):
        sampler = SeededSampler(range(10), seed=seed)
        for epoch in range(3):
            sampler.set_epoch(epoch)
            drawn = {int(index): index.seed for index in sampler}
            assert sorted(drawn) == [*range(10)]
            assert drawn == {int(index): index.seed for index in sampler}
            seeds |= {*drawn.values()}
    assert len(seeds) == 2 * 3 * 10
    index = pickle.loads(pickle.dumps(SeededIndex(3, 7)))
    assert (index, index.seed) == (3, 7)
