"""Splits that do not lie: what folders and lists say, groups in one split, cuts that repeat."""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
import pytest

from custom_modules.base.errors import UserError
from custom_modules.preparation.division import divide
from custom_modules.preparation.found_splits import find_splits
from custom_modules.preparation.groups import find_groups
from custom_modules.preparation.near_duplicates import compare_images
from custom_modules.preparation.sources import Images

FRACTIONS = (0.6, 0.2, 0.2)


def paths(*names: str) -> list[PurePosixPath]:
    return [PurePosixPath(name) for name in names]


IMAGES = paths(*(f'images/{n}.jpg' for n in range(10)))


def divided(
    given: Mapping[int, str], groups: Mapping[int, str] | None = None
) -> dict[str, set[int]]:
    """Return the numbers of the images in each split."""
    of = divide(
        IMAGES,
        {IMAGES[n]: split for n, split in given.items()},
        {IMAGES[n]: group for n, group in (groups or {}).items()},
        FRACTIONS,
        0,
    ).of
    found: dict[str, set[int]] = dict(train=set(), val=set(), test=set())
    for image, split in of.items():
        found[split].add(int(image.stem))
    return found


def test_a_cut_has_its_shares_and_repeats() -> None:
    first = divided({})
    assert {split: len(members) for split, members in first.items()} == dict(train=6, val=2, test=2)
    assert divided({}) == first
    assert set().union(*first.values()) == set(range(10))


def test_validation_is_cut_from_train_and_never_from_test() -> None:
    given = dict.fromkeys(range(7), 'train') | {7: 'test', 8: 'test'}
    found = divided(given)
    assert found['test'] == {7, 8}
    assert len(found['val']) == 2
    assert found['train'] | found['val'] == set(range(7))  # 9 is in no list


def test_a_missing_test_is_what_no_list_names_or_cut_from_train() -> None:
    lists = dict.fromkeys(range(6), 'train') | {6: 'val', 7: 'val'}
    assert divided(lists)['test'] == {8, 9}
    whole = lists | {8: 'val', 9: 'val'}
    assert divided(whole)['val'] == {6, 7, 8, 9}
    assert len(divided(whole)['test']) == 2
    assert divided(dict.fromkeys(range(10), 'train')).keys() == {'train', 'val', 'test'}
    assert sum(map(len, divided(dict.fromkeys(range(10), 'test')).values())) == 10


def test_a_missing_train_is_the_rest() -> None:
    found = divided({0: 'val', 1: 'test', 2: 'test'})
    assert (found['val'], found['test']) == ({0}, {1, 2})
    assert found['train'] == set(range(3, 10))


def test_a_group_is_in_one_split() -> None:
    groups = {n: f'patient {n // 2}' for n in range(10)}
    found = divided({}, groups)
    for members in found.values():
        assert {n // 2 for n in members}.isdisjoint(n // 2 for n in set(range(10)) - members)
    assert all(found.values())


def test_a_group_in_two_given_splits_leaves_training() -> None:
    given = dict.fromkeys(range(6), 'train') | {6: 'val', 7: 'val', 8: 'test', 9: 'test'}
    found = divided(given, {0: 'a', 8: 'a', 1: 'b', 6: 'b', 7: 'c', 9: 'c'})
    assert found == dict(train={2, 3, 4, 5}, val={6}, test={8, 9})


@pytest.mark.parametrize(
    ('given', 'groups', 'message'),
    [
        ({}, dict.fromkeys(range(10), 'one'), '1 groups of images cannot fill'),
        ({0: 'val', **dict.fromkeys(range(1, 10), 'test')}, {}, 'no image is left for train'),
        (
            dict.fromkeys(range(5), 'train') | {5: 'val'} | dict.fromkeys(range(6, 10), 'test'),
            {**dict.fromkeys(range(5), 'x'), 6: 'x'},
            'no image is left for train',
        ),
    ],
)
def test_what_cannot_be_divided(given: dict, groups: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        divided(given, groups)


LISTS = {
    'stems': {'train.txt': '0\n1\n', 'val.txt': '2\n', 'test.txt': '3\n'},
    'names': {'train.txt': '0.jpg\n1.jpg\n', 'valid.txt': '2.jpg\n', 'test.txt': '3.jpg\n'},
    'paths': {
        'splits/train_list.txt': 'images/0.jpg\nimages/1.jpg\n',
        'splits/val_list.txt': 'images/2.jpg\n',
        'splits/test_list.txt': 'images/3.jpg\n',
    },
    'paths of another machine, with masks': {
        'train.csv': '/home/anna/data/images/0.jpg,/home/anna/data/masks/0.png\nimages/1.jpg,x\n',
        'val.csv': './images/2.jpg,masks/2.png\n',
        'test.csv': 'data/images/3.jpg masks/3.png\n',
    },
    'names of masks': {'train.txt': '0.png\n1.png\n', 'val.txt': '2.png\n', 'test.txt': '3.png\n'},
    'Pascal VOC': {
        'ImageSets/Main/train.txt': '0\n3\n',
        'ImageSets/Segmentation/train.txt': '0\n1\n',
        'ImageSets/Segmentation/val.txt': '2\n',
        'ImageSets/Segmentation/trainval.txt': '0\n1\n2\n',
        'ImageSets/Segmentation/test.txt': '3\n',
    },
    'byte order mark, blank lines, upper case': {
        'Train.txt': '\ufeff0\r\n\r\n1\r\n',
        'VAL.TXT': '2\n',
        'Test.txt': '3\n',
        'classes.txt': 'leaf\n',
        'images/train.txt': '',
    },
}


@pytest.mark.parametrize('lists', LISTS.values(), ids=LISTS.keys())
def test_lists(lists: dict[str, str], tmp_path: Path) -> None:
    for name, text in lists.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding='utf-8', newline='')
    pairs = {image: paths(f'masks/{image.stem}.png') for image in IMAGES}
    found = find_splits(tmp_path, paths(*lists), pairs, {})
    assert {int(image.stem): split for image, split in found.of.items()} == {
        0: 'train',
        1: 'train',
        2: 'val',
        3: 'test',
    }


@pytest.mark.parametrize(
    ('lists', 'by_folder', 'message'),
    [
        ({'train.txt': '0\n1', 'test.txt': '1\n2'}, {}, 'are in train.txt and in test.txt'),
        ({'a/train.txt': '0\n1', 'b/train.txt': '0\n2'}, {}, 'different lists of train'),
        ({'test.txt': '0\n1'}, {IMAGES[0]: 'train'}, 'its folder says train'),
        ({'train.txt': b'\xff\xfe0'}, {}, 'no text in UTF-8'),
        ({'train.txt': '0\ntwice'}, {}, 'fit several images'),
    ],
)
def test_lists_that_contradict(lists: dict, by_folder: dict, message: str, tmp_path: Path) -> None:
    for name, text in lists.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError, match=message):
        pairs = dict.fromkeys([*IMAGES, *paths('a/twice.jpg', 'b/twice.jpg')], ())
        find_splits(tmp_path, paths(*lists), pairs, by_folder)


def test_a_list_of_something_else_is_said(tmp_path: Path) -> None:
    (tmp_path / 'words').mkdir()
    (tmp_path / 'words' / 'train.txt').write_text('leaf\nstem\n')
    found = find_splits(tmp_path, paths('words/train.txt'), dict.fromkeys(IMAGES, ()), {})
    assert found.of == {}
    assert found.notes == [
        "words/train.txt: no list of train, 0 of its 2 lines are pairs ('leaf', 'stem')"
    ]


@pytest.mark.parametrize(
    ('names', 'pattern', 'groups'),
    [
        (['0_jpg.rf.xx.jpg', '0_jpg.rf.yy.jpg', '1_jpg.rf.zz.jpg'], None, [0, 0, None]),
        (['a_aug_1.png', 'a_aug_2.png', 'a.png', 'b.png'], None, [0, 0, 0, None]),
        (['a_flipped.png', 'a_rot90.png', 'b_rot90.png'], None, [0, 0, None]),
        (['1.png', '2.png', 'copy.png'], None, [None, None, None]),
        (['p1_1.png', 'p1_2.png', 'p2_1.png'], r'^p\d+', [0, 0, 1]),
        (['p1_1.png', 'p1_2.png', 'p2_1.png'], r'^(p)\d', [0, 0, 0]),
        (['p1/1.png', 'p1/2.png', 'p2/1.png'], r'^p\d', [0, 0, 1]),
    ],
)
def test_groups(names: list[str], pattern: str | None, groups: list[int | None]) -> None:
    images = paths(*names)
    found, _ = find_groups(images, pattern)
    numbers: dict[str | None, int] = {}
    seen = [
        None if (name := found.get(image)) is None else numbers.setdefault(name, len(numbers))
        for image in images
    ]
    assert seen == groups


def test_a_pattern_fits_all_names_or_is_refused() -> None:
    with pytest.raises(UserError, match='not found in 1 of 2 names'):
        find_groups(paths('p1.png', 'x.png'), r'p\d')
    with pytest.raises(UserError, match='no regular expression'):
        find_groups(paths('p1.png'), '(')


def test_near_duplicates_across_splits(tmp_path: Path) -> None:
    """A JPEG of poor quality, brighter and smaller is found; other pictures and flat ones not."""
    names, splits = [], []
    for n in range(6):
        small = np.random.RandomState(n).randint(0, 200, (6, 8, 3), np.uint8)
        image = cv2.resize(small, (160, 120), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(tmp_path / f'{n}.png'), image)
        names.append(f'{n}.png')
        splits.append('train')
    copy = cv2.resize(cv2.imread(str(tmp_path / '2.png')), (80, 60)) + 20
    cv2.imwrite(str(tmp_path / 'copy.jpg'), copy, [cv2.IMWRITE_JPEG_QUALITY, 30])
    for split in ('train', 'test'):
        cv2.imwrite(str(tmp_path / f'black_{split}.png'), np.zeros((40, 40), np.uint8))
    cv2.imwrite(str(tmp_path / 'broken.jpg'), copy)
    (tmp_path / 'broken.jpg').write_bytes(b'no picture')
    names += ['copy.jpg', 'black_train.png', 'black_test.png', 'broken.jpg']
    splits += ['test', 'train', 'test', 'test']
    of = dict(zip(paths(*names), splits, strict=True))
    (found,), (fault,) = compare_images(Images(tmp_path).read, of, lambda _: None)
    assert 'broken.jpg: not a readable image' in fault
    assert [str(image) for image in found.images] == ['2.png', 'copy.jpg']
    assert found.splits == ('train', 'test')
    assert found.correlation > 0.98
