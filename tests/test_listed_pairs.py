"""The data set of a table: names, groups, and what a table is written as."""

from pathlib import Path

import pytest

from custom_modules.datasets import ListedPairsDataset
from custom_modules.datasets.listed_pairs import sample_ids
from custom_modules.datasets.pairs_table import PairRow, read_pairs_table, write_pairs_table
from tests.corpus.splits import write_pairs


@pytest.mark.parametrize(
    ('images', 'names'),
    [
        (['a/1.jpg', 'b/2.jpg'], ['1', '2']),
        (['a/1.jpg', 'b/1.jpg', 'b/2.jpg'], ['a_1', 'b_1', '2']),
        (['a/1.jpg', 'a/1.png'], ['a_1', 'a_1.png']),
        (['a_b/1.jpg', 'a/b_1.jpg', 'a/b/1.jpg'], ['a_b_1', 'b_1', 'a_b_1.jpg']),
        (['x/A.jpg', 'y/a.jpg'], ['x_A', 'y_a']),
        (
            ['a/b/1.jpg', 'a_b/1.jpg', 'a/b_1.jpg', 'c/b_1.jpg'],
            ['a_b_1', 'a_b_1.jpg', 'a_b_1_2', 'c_b_1'],
        ),
    ],
)
def test_each_image_has_a_name_of_its_own(images: list[str], names: list[str]) -> None:
    found = [*sample_ids(images).values()]
    assert len({name.casefold() for name in found}) == len(found)
    if len(names) < 4:
        assert found == names


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    rows = [
        PairRow('b, c.jpg', '=1+1.png', 'train', 'p "1"'),
        PairRow("'a.jpg", 'ä b.png', 'test'),
        PairRow('-a.jpg', '@.png', 'val', '+1'),
    ]
    path = tmp_path / 'pairs.csv'
    write_pairs_table(path, rows)
    assert sorted(read_pairs_table(path), key=lambda row: row.image) == sorted(
        rows, key=lambda row: row.image
    )
    first = path.read_bytes()
    write_pairs_table(path, reversed(rows))
    assert path.read_bytes() == first
    assert b'\n=' not in first
    assert b',=' not in first


def test_groups_stay_in_one_fold(tmp_path: Path) -> None:
    stems = [f'{n}' for n in range(12)]
    write_pairs(tmp_path, stems)
    rows = [
        PairRow(
            f'images/{s}.jpg',
            f'masks/{s}.png',
            'train' if int(s) < 9 else 'test',
            f'p{int(s) // 3}',
        )
        for s in stems
    ]
    write_pairs_table(tmp_path / 'pairs.csv', rows)
    held_out = []
    for fold in range(3):
        dataset = ListedPairsDataset(
            str(tmp_path),
            str(tmp_path / 'pairs.csv'),
            split='val',
            fold=(fold, 3),
            serialize_data=False,
        )
        entries = [dataset.get_data_info(n) for n in range(len(dataset))]
        assert len({entry['group'] for entry in entries}) == 1
        held_out += [entry['sample_id'] for entry in entries]
    assert sorted(held_out, key=int) == stems[:9]
    assert dataset.group_keys == ('group',)
