"""Resizing leaves things where they are, and agrees with Pillow's."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import TRANSFORMS
from PIL import Image

from custom_modules.datasets.resizing import resize_image, resize_mask
from custom_modules.models.binary_segmentor import target_at_size

#: Old and new (width, height): smaller, larger, one side each, by factors that are no integers.
SIZES = [
    ((500, 375), (128, 128)),
    ((340, 256), (256, 256)),
    ((97, 61), (128, 200)),
    ((90, 300), (128, 128)),
    ((300, 90), (128, 128)),
    ((64, 64), (64, 64)),
]


@pytest.mark.parametrize(('old', 'new'), SIZES)
def test_masks_and_images_are_those_of_pillow(old: tuple[int, int], new: tuple[int, int]) -> None:
    random = np.random.RandomState(0)
    mask = random.choice([0, 1, 255], old[::-1]).astype(np.uint8)
    expected = np.asarray(Image.fromarray(mask).resize(new, Image.Resampling.NEAREST))
    assert np.array_equal(resize_mask(mask, new), expected)

    image = cv2.GaussianBlur(random.randint(0, 256, (*old[::-1], 3), np.uint8), (0, 0), 1)
    found = resize_image(image, new).astype(int)
    assert found.shape == (*new[::-1], 3)
    if new[0] < old[0] and new[1] < old[1]:
        box = np.asarray(Image.fromarray(image).resize(new, Image.Resampling.BOX)).astype(int)
        linear = cv2.resize(image, new, interpolation=cv2.INTER_LINEAR).astype(int)
        assert np.abs(found - box).mean() < 0.6 * np.abs(linear - box).mean()


def test_images_are_averages_of_their_areas() -> None:
    image = np.random.RandomState(0).randint(0, 256, (12, 20), np.uint8)
    halves = image.reshape(6, 2, 5, 4).mean((1, 3))
    assert np.abs(resize_image(image, (5, 6)) - halves).max() <= 0.5
    # The width is averaged, then the height doubled: rows 1 and 2 lie at 1/4 and 3/4 between.
    image = np.array([[0, 40, 100, 200], [80, 80, 0, 0]], np.uint8)
    assert resize_image(image, (2, 4)).tolist() == [[20, 150], [35, 113], [65, 38], [80, 0]]


def centred() -> np.ndarray:
    """Return a mask with an ellipse in the middle, equal to its mirror images."""
    y, x = np.mgrid[:375, :500]
    return ((((x - 249.5) / 170) ** 2 + ((y - 187) / 101) ** 2) < 1).astype(np.uint8)


def transformed(**step: object) -> np.ndarray:
    mask = centred()
    results = dict(img=np.repeat(mask[..., None] * 255, 3, 2), gt_seg_map=mask)
    return TRANSFORMS.build(step)(results)['gt_seg_map']


@pytest.mark.parametrize(
    'resize',
    [
        lambda: transformed(type='Resize', scale=128),
        lambda: transformed(type='Resize', scale=(200, 200), keep_ratio=True),
        lambda: transformed(type='Resize', scale=128, interpolation='bilinear', backend='pillow'),
        lambda: transformed(type='RandomResize', scale=(128, 128), ratio_range=(0.7, 0.7)),
        lambda: transformed(type='ResizeForScoring', scale=128),
        lambda: transformed(
            type='Albumentations',
            transforms=[dict(type='albumentations.Resize', height=128, width=128)],
        ),
        lambda: target_at_size(torch.from_numpy(centred())[None], torch.Size((128, 128)))[
            0
        ].numpy(),
    ],
    ids=['square', 'ratio', 'pillow', 'random', 'scoring', 'albumentations', 'segmentor'],
)
def test_what_is_centred_stays_centred(resize: Callable[[], np.ndarray]) -> None:
    mask = resize()
    assert mask.shape[0] <= 200
    assert 0.2 < mask.mean() < 0.4
    assert np.array_equal(mask, mask[:, ::-1])
    assert np.array_equal(mask, mask[::-1])
