"""Padding counts in no metric, whatever fills it, and every step moves image and mask together."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, TRANSFORMS
from mmseg.structures import SegDataSample

from custom_modules.base.errors import UserError
from custom_modules.datasets.size_changes import (
    box_of_picture,
    check_size_changes,
    leads_back,
    redo_size_changes,
)
from custom_modules.datasets.transforms.count_border import with_regions
from custom_modules.engine.hooks.validation_pictures_hook import _example
from custom_modules.evaluation import BorderMetric, DiceMetric
from custom_modules.models.picture_size import as_input, without_padding
from custom_modules.prediction import Predictor
from custom_modules.prediction.network import TorchNetwork
from custom_modules.visualization.examples import image_and_truth
from tests.test_resizing import brightness

SHAPE = (64, 96)
FIT = dict(type='Resize', scale=(48, 48), keep_ratio=True)
PACK = dict(type='PackBinarySegInputs')
ENLARGED = dict(
    type='Albumentations', transforms=[dict(type='albumentations.Resize', height=96, width=96)]
)


def square() -> np.ndarray:
    mask = np.zeros(SHAPE, np.uint8)
    mask[16:32, 24:48] = 1
    return mask


def packed(*steps: dict, **more: Any) -> dict:
    mask = square()
    results = dict(
        img=np.repeat(mask[..., None] * 255, 3, 2), gt_seg_map=mask, ori_shape=SHAPE, **more
    )
    return Compose([*steps, PACK])(results)


def scored(sample: dict, resolution: str) -> SegDataSample:
    model = brightness()
    model.resolution = resolution
    batch = dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']])
    return model.test_step(batch)[0]


@pytest.mark.parametrize('fill', [255, 0, 1])
@pytest.mark.parametrize('padding', [dict(size=(48, 48)), dict(size_divisor=64)], ids=str)
def test_padding_is_cut_off_at_the_size_of_the_input(padding: dict, fill: int) -> None:
    pad = dict(type='Pad', pad_val=dict(img=255, seg=fill), **padding)  # white: foreground
    sample = scored(packed(FIT, pad), 'input')
    expected = cv2.resize(square(), (48, 32), interpolation=cv2.INTER_NEAREST_EXACT)
    assert np.array_equal(sample.gt_sem_seg.data[0], expected)
    assert np.array_equal(sample.pred_sem_seg.data[0], expected)
    assert sample.seg_logits.data.shape == (1, 32, 48)


@pytest.mark.parametrize('resolution', ['input', 'original'])
def test_padding_is_no_border_of_a_trimap(resolution: str, sample: Path) -> None:
    """A test loads the border as ignored (255), which padding is too."""
    fit = dict(type='ResizeForScoring', scale=(48, 48), keep_ratio=True, resolution=resolution)
    steps = [dict(type='LoadImage'), dict(type='LoadMask'), fit, dict(type='Pad', size=(48, 64))]
    settings = dict(type='OxfordPetDataset', data_root=str(sample), split='test', indices=3)
    plain = DATASETS.build(settings | dict(pipeline=[*steps, PACK]))
    with_borders = DATASETS.build(with_regions(settings | dict(pipeline=[*steps, PACK])))
    for index in range(3):
        expected, found = scored(plain[index], resolution), scored(with_borders[index], resolution)
        assert torch.equal(expected.gt_sem_seg.data, found.gt_sem_seg.data)
        assert not (expected.gt_sem_seg.data == 255).any()  # the border is foreground
        assert expected.losses == found.losses
        counts = DiceMetric(), BorderMetric()
        for metric in counts:
            metric.process({}, [found.to_dict()])
        row, regions = (metric.results[0] for metric in counts)
        height, width = found.ori_shape
        pixels = height * width if resolution == 'original' else found.gt_sem_seg.data.numel()
        assert row['tp'] + row['fp'] + row['fn'] + row['tn'] == sum(regions.values()) == pixels
        image, truth = image_and_truth(with_borders, index)
        assert image.shape[:2] == truth.shape == found.gt_sem_seg.data.shape[1:]
        example = _example(with_borders[index]['inputs'], found)
        assert example.image.shape[:2] == example.truth.shape == example.prediction.shape
        shown = example.prediction == 1
        assert 0 < shown.mean() < 1 and (example.image[shown][:, 0] > 120).all()


@pytest.mark.parametrize(
    ('changes', 'box'),
    [
        ([('pad', (3, 4), (4, 4)), ('resize', (4, 4), (2, 2))], (1, 2)),  # row 1: centre outside
        ([('resize', (3, 4), (6, 8)), ('pad', (6, 8), (9, 9))], (6, 8)),
        ([], (3, 4)),
    ],
    ids=['pad and resize', 'resize and pad', 'neither'],
)
def test_boxes_by_hand(changes: list, box: tuple[int, int]) -> None:
    assert box_of_picture(changes, (3, 4)) == (slice(0, box[0]), slice(0, box[1]))


@pytest.mark.parametrize('load', ['LoadMask', 'by hand'])
def test_steps_of_mmsegmentation_move_masks(load: str, sample: Path) -> None:
    crop = dict(type='mmseg.RandomCrop', crop_size=(48, 48))
    if load == 'by hand':
        found = packed(crop, seg_fields=['gt_seg_map'])
        pixels = found['inputs'][0] > 0
        assert torch.equal(found['data_samples'].gt_sem_seg.data[0], pixels.to(torch.uint8))
        return
    steps = [dict(type='LoadImage'), dict(type='LoadMask'), crop, PACK]
    settings = dict(type='OxfordPetDataset', data_root=str(sample), split='train', indices=1)
    found = DATASETS.build(settings | dict(pipeline=steps))[0]
    assert found['data_samples'].gt_sem_seg.data.shape == (1, 48, 48)


def test_a_mask_that_a_step_leaves_behind_is_an_error() -> None:
    found = packed(FIT)['data_samples']
    with pytest.raises(UserError, match='sees 24x24 pixels, its mask has 48x32: a step of'):
        as_input(found.gt_sem_seg.data, found, (24, 24))


def test_albumentations_may_resize_but_not_crop() -> None:
    image = np.repeat(square()[..., None] * 255, 3, 2)
    predictor = Predictor(TorchNetwork(brightness()), [ENLARGED, PACK])
    assert np.array_equal(predictor(image).mask, square())
    kept = dict(type='ResizeForScoring', scale=SHAPE[::-1], resolution='original')
    assert np.array_equal(scored(packed(kept, ENLARGED), 'original').pred_sem_seg.data[0], square())
    crop = [dict(type='albumentations.CenterCrop', height=48, width=48)]
    with pytest.raises(UserError, match='makes 48x48 of an image of 96x64'):
        predictor = Predictor(
            TorchNetwork(brightness()), [dict(type='Albumentations', transforms=crop), PACK]
        )
        predictor(image)


def test_a_mask_to_be_scored_at_the_size_of_its_file_is_not_padded() -> None:
    pad = TRANSFORMS.build(dict(type='Pad', size=(8, 8)))
    results = dict(img=np.zeros((4, 6, 3), np.uint8), gt_seg_map=np.ones((4, 6), np.uint8))
    stays = pad(dict(results, seg_fields=[]))
    assert stays['img'].shape == (8, 8, 3)
    assert stays['gt_seg_map'].shape == (4, 6)
    assert pad(dict(results, seg_fields=['gt_seg_map']))['gt_seg_map'].shape == (8, 8)
    small = dict(results, gt_seg_map=np.ones((2, 3), np.uint8), seg_fields=['gt_seg_map'])
    assert pad(small)['gt_seg_map'].shape == (2, 3)


def test_a_way_with_a_gap_leads_nowhere() -> None:
    gap = [('resize', (10, 10), (8, 8)), ('pad', (9, 9), (12, 12))]
    assert not leads_back(gap, (10, 10), (12, 12))
    with pytest.raises(UserError, match=r'makes 12x9 of an image of 10x20: .*Use Resize and Pad'):
        check_size_changes([], (20, 10), (9, 12))


def test_what_is_padded_has_the_value_that_is_asked_for() -> None:
    mask = torch.ones(1, 2, 2, dtype=torch.uint8)
    padded = redo_size_changes(mask, [('pad', (2, 2), (3, 4))], 255)
    assert padded.tolist() == [[[1, 1, 255, 255], [1, 1, 255, 255], [255] * 4]]


def test_pixels_of_an_unknown_way_are_left_as_they_are() -> None:
    found = packed(dict(type='Pad', size=(96, 96)), dict(type='CenterCrop', crop_size=(48, 48)))
    logits = torch.zeros(1, 48, 48)
    assert without_padding(logits, found['data_samples']) is logits
