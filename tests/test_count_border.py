"""The border of a trimap beside the ground truth, so that one test serves every border policy."""

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from custom_modules.datasets.transforms.count_border import CountBorder, with_regions


@pytest.mark.parametrize(
    ('border', 'truth'),
    [('foreground', [0, 1, 1]), ('background', [0, 1, 0]), ('ignore', [0, 1, 255])],
)
def test_one_pass_counts_the_border_as_the_config_says(border: str, truth: list[int]) -> None:
    steps = [dict(type='LoadMask'), dict(type='PackBinarySegInputs')]
    dataset = dict(type='OxfordPetDataset', border=border, pipeline=steps)
    changed = with_regions(dataset)
    assert changed is not None
    assert changed['border'] == 'ignore'
    assert [step['type'] for step in changed['pipeline']] == [
        'LoadMask',
        'CountBorder',
        'PackBinarySegInputs',
    ]
    assert len(dataset['pipeline']) == 2  # the config is as it was
    regions = np.array([[0, 1, 255]], np.uint8)
    after = TRANSFORMS.build(changed['pipeline'][1])(dict(gt_seg_map=regions.copy()))
    assert after['gt_seg_map'].tolist() == [truth]
    assert after['gt_regions'].tolist() == [[0, 1, 255]]


@pytest.mark.parametrize(
    'change',
    [
        dict(border='only'),  # of pet and background alike nothing would be left to count
        dict(type='BinaryMaskDataset'),
        dict(pipeline=[dict(type='PackSegInputs')]),
    ],
    ids=str,
)
def test_where_the_border_cannot_be_counted_in_three_ways(change: dict) -> None:
    dataset = dict(type='OxfordPetDataset', pipeline=[dict(type='PackBinarySegInputs')])
    assert with_regions(dataset) is not None
    assert with_regions(dataset | change) is None


def test_the_border_is_foreground_unless_told_otherwise() -> None:
    dataset = dict(type='OxfordPetDataset', pipeline=[dict(type='PackBinarySegInputs')])
    changed = with_regions(dataset)
    assert changed is not None
    assert changed['pipeline'][0] == dict(type='CountBorder', border='foreground')
    assert with_regions(dict(type='OxfordPetDataset')) is None  # packs nothing


def test_regions_where_only_the_border_counts() -> None:
    regions = np.array([[0, 1, 255]], np.uint8)
    after = CountBorder(border='only')(dict(gt_seg_map=regions))
    assert after['gt_seg_map'].tolist() == [[0, 0, 1]]
    assert after['gt_regions'].tolist() == [[0, 1, 255]]


@pytest.mark.parametrize(
    ('size', 'truth'),
    [
        ((3, 4), [[1, 0, 255, 255]] * 2 + [[255] * 4]),  # of the input: what was padded is none
        ((2, 2), [[1, 0]] * 2),  # of the file
    ],
)
def test_what_is_padded_counts_in_no_way(size: tuple[int, int], truth: list) -> None:
    regions = np.full(size, 255, np.uint8)
    regions[:2, 1] = 0
    results = dict(img=np.zeros((3, 4, 3)), gt_seg_map=regions, ori_shape=(2, 2))
    padded = results | dict(size_changes=[('pad', (2, 2), (3, 4))])
    assert CountBorder('foreground')(padded)['gt_seg_map'].tolist() == truth
    others = results | dict(size_changes=[('resize', (2, 2), (3, 4))])
    labels = CountBorder('foreground')(others)['gt_seg_map']
    assert labels.tolist() == (regions == 255).astype(int).tolist()
