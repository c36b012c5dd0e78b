"""The folds of a data set: each image held out once, groups together, kinds evenly."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from custom_modules.base.errors import EmptySplitError, UserError
from custom_modules.datasets import BinaryMaskDataset, OxfordPetDataset
from custom_modules.datasets.binary_seg_dataset import BinarySegDataset
from custom_modules.datasets.folds import folds_of
from tests.corpus.splits import write_pairs


class Patients(BinarySegDataset):
    """Ten photographs of four patients, the last of whom is tested."""

    def __init__(self, split: str, **arguments: Any) -> None:
        self.split = split
        super().__init__(serialize_data=False, **arguments)

    def load_split(self, split: str) -> list[dict]:
        patients = dict(train='aaabbc', val='bc', test='dd')[split]
        return [
            dict(sample_id=f'{split}{number}', group=name) for number, name in enumerate(patients)
        ]


def names(dataset: BinarySegDataset) -> list[str]:
    return [dataset.get_data_info(index)['sample_id'] for index in range(len(dataset))]


@pytest.fixture
def masks(tmp_path: Path) -> dict[str, Any]:
    write_pairs(tmp_path, [f'p{number:02}' for number in range(20)])
    return dict(data_root=str(tmp_path), serialize_data=False)


@pytest.mark.parametrize('number', [2, 3, 5, 18])
def test_every_image_is_held_out_once(masks: dict, number: int) -> None:
    """The images of train and val; those of the test are never among them."""
    plain = {split: names(BinaryMaskDataset(split=split, **masks)) for split in ('train', 'val')}
    tested = names(BinaryMaskDataset(split='test', **masks))
    held_out = []
    for fold in range(number):
        parts = {
            split: names(BinaryMaskDataset(split=split, fold=(fold, number), **masks))
            for split in ('train', 'val', 'test')
        }
        assert parts['test'] == tested
        assert sorted(parts['train'] + parts['val']) == sorted(plain['train'] + plain['val'])
        assert not {*parts['train']} & {*parts['val']}
        assert len(parts['val']) in (18 // number, -(-18 // number))
        held_out += parts['val']
    assert sorted(held_out) == sorted(plain['train'] + plain['val'])


def test_folds_are_those_of_the_images_and_of_nothing_else() -> None:
    entries = [dict(sample_id=f'{number}') for number in range(11)]
    folds = folds_of(entries, 3)
    assert folds == folds_of(entries, 3) != [number % 3 for number in range(11)]
    assert folds_of(entries[::-1], 3) == folds[::-1]


def test_a_group_is_in_one_fold() -> None:
    """Three patients, of three, three and two photographs, whose lists part two of them."""
    parts = [names(Patients('val', fold=(fold, 3))) for fold in range(3)]
    assert sorted(map(sorted, parts)) == [
        ['train0', 'train1', 'train2'],
        ['train3', 'train4', 'val0'],
        ['train5', 'val1'],
    ]
    for number in (2, 3):
        for fold in range(number):
            train, val = (
                {e['group'] for e in Patients(split, fold=(fold, number)).load_data_list()}
                for split in ('train', 'val')
            )
            assert train and val and not train & val
    with pytest.raises(UserError, match=r'4 folds .* there are 3 groups of images .* use 2 to 3'):
        Patients('train', fold=(0, 4))


def test_large_groups_do_not_end_in_one_fold() -> None:
    groups = [name for name in 'abcdefgh' for _ in range(ord(name) - 90)]
    entries = [dict(sample_id=str(n), group=name) for n, name in enumerate(groups)]
    sizes = Counter(folds_of(entries, 4))
    assert max(sizes.values()) - min(sizes.values()) <= 7


def test_breeds_are_in_every_fold(sample: Path) -> None:
    """The synthetic data set has 240 images of four breeds, 60 of each."""
    for fold in range(5):
        dataset = OxfordPetDataset(str(sample), split='val', fold=(fold, 5), serialize_data=False)
        found = Counter(dataset.get_data_info(i)['breed'] for i in range(len(dataset)))
        assert set(found.values()) == {12} and len(found) == 4


def test_what_is_left_out_is_in_no_fold(masks: dict, tmp_path: Path) -> None:
    """And moves nobody else to another fold."""
    plain = [names(BinaryMaskDataset(split='val', fold=(k, 2), **masks)) for k in range(2)]
    (tmp_path / 'lists').mkdir()
    path = tmp_path / 'lists' / 'list.txt'
    path.write_text(f'{plain[0][0]}\n')
    found = [
        names(BinaryMaskDataset(split='val', fold=(k, 2), exclude=str(path), **masks))
        for k in range(2)
    ]
    assert found == [plain[0][1:], plain[1]]


def test_without_a_validation_the_training_is_divided(masks: dict) -> None:
    masks |= dict(fractions=(0.9, 0.0, 0.1))
    with pytest.raises(EmptySplitError):
        BinaryMaskDataset(split='val', **masks)
    parts = [names(BinaryMaskDataset(split='val', fold=(fold, 2), **masks)) for fold in range(2)]
    assert [len(part) for part in parts] == [9, 9]


def test_a_class_that_knows_nothing_of_folds() -> None:
    class Own(BinarySegDataset):
        split = 'train'

        def load_data_list(self) -> list[dict]:
            return [dict(sample_id='a'), dict(sample_id='b')]

    assert len(Own()) == 2
    with pytest.raises(UserError, match=r'Own has a load_data_list .* define load_split'):
        Own(fold=(0, 2))
