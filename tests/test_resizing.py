"""Resizing leaves things where they are, and agrees with Pillow's."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.dataset import Compose
from mmengine.registry import DATASETS, MODELS, TRANSFORMS
from mmseg.structures import SegDataSample
from PIL import Image

from custom_modules.base.errors import UserError
from custom_modules.datasets.transforms.resizing import resize_image, resize_mask
from custom_modules.evaluation.metrics import DiceMetric
from custom_modules.models.picture_size import as_input
from custom_modules.prediction.network import TorchNetwork
from custom_modules.prediction.predictor import Predictor

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


@pytest.mark.parametrize(
    ('settings', 'size', 'factor'),
    [
        (dict(scale=(30, 40)), (40, 30), (0.5, 2.0)),
        (dict(scale=(30, 10), keep_ratio=True), (10, 30), (0.5, 0.5)),
        (dict(scale_factor=0.5), (10, 30), (0.5, 0.5)),
        (dict(scale_factor=0.5, interpolation='bilinear'), (10, 30), (0.5, 0.5)),
    ],
    ids=str,
)
def test_steps_of_others_are_told_what_happened(
    settings: dict, size: tuple[int, int], factor: tuple[float, float]
) -> None:
    image = np.zeros((20, 60, 3), np.uint8)
    after = TRANSFORMS.build(dict(type='Resize', **settings))(dict(img=image, img_shape=(20, 60)))
    assert after['img_shape'] == after['img'].shape[:2] == size
    assert after['scale_factor'] == factor
    assert after['keep_ratio'] == settings.get('keep_ratio', False)
    assert after['size_changes'] == [('resize', (20, 60), size)]


@pytest.mark.parametrize(
    ('settings', 'expected'),
    [
        (dict(), [50, 50]),
        (dict(interpolation='nearest'), [0, 0]),
        (dict(backend='pillow'), [50, 50]),
        (dict(backend='pillow', interpolation='nearest'), [100, 100]),
    ],
    ids=str,
)
def test_how_images_get_smaller(settings: dict, expected: list[int]) -> None:
    """Columns of 0 and 100 in turn, half as many: averaged, unless told to take one of them."""
    image = np.zeros((4, 4, 3), np.uint8)
    image[:, 1::2] = 100
    after = TRANSFORMS.build(dict(type='Resize', scale=(2, 2), **settings))(dict(img=image))
    assert after['img'][0, :, 0].tolist() == pytest.approx(expected, abs=13)


def test_a_mask_of_the_right_size_stays_the_same() -> None:
    mask = np.zeros((3, 2), np.uint8)
    assert resize_mask(mask, (2, 3)) is mask
    assert resize_mask(mask, (3, 2)).shape == (2, 3)


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
        lambda: as_input(
            torch.from_numpy(centred())[None],
            SegDataSample(metainfo=dict(ori_shape=(375, 500))),
            (128, 128),
        )[0].numpy(),
    ],
    ids=['square', 'ratio', 'pillow', 'random', 'scoring', 'albumentations', 'segmentor'],
)
def test_what_is_centred_stays_centred(resize: Callable[[], np.ndarray]) -> None:
    mask = resize()
    assert mask.shape[0] <= 200
    assert 0.2 < mask.mean() < 0.4
    assert np.array_equal(mask, mask[:, ::-1])
    assert np.array_equal(mask, mask[::-1])


KEEP = dict(type='Resize', scale=(192, 192), keep_ratio=True)
SQUARE = dict(type='Pad', size=(192, 192))
WAYS: dict[str, list[dict]] = {
    'as it is': [],
    'stretched': [dict(type='Resize', scale=(192, 192))],
    'aspect kept': [KEEP],
    'aspect kept and padded': [KEEP, SQUARE],
    'padded and resized': [
        dict(type='Pad', pad_to_square=True),
        dict(type='Resize', scale=(192, 192)),
    ],
    'resized twice and padded': [
        dict(type='Resize', scale=(48, 32)),
        KEEP,
        dict(type='Pad', size_divisor=64),
    ],
}


def rectangles(root: Path) -> np.ndarray:
    """Write a picture of 96x64 with white rectangles, and its mask, and return the mask."""
    mask = np.zeros((64, 96), np.uint8)
    mask[8:24, 16:40] = mask[40:64, 80:96] = 255
    for folder in ('images', 'masks'):
        (root / folder).mkdir()
        Image.fromarray(mask).save(root / folder / 'a.png')
    return mask // 255


def brightness() -> torch.nn.Module:
    """Return a segmentor without weights: a pixel is foreground where it is bright."""
    model = MODELS.build(
        dict(
            type='BinarySegmentor',
            data_preprocessor=dict(type='BinarySegPreprocessor', mean=[128.0] * 3, std=[1.0] * 3),
            backbone=dict(type='UNetEncoder', channels=[1, 1]),
            decode_head=dict(type='UNetHead', in_channels=[1, 1], channels=[1]),
            losses=[dict(type='BinaryCrossEntropyLoss')],
            resolution='original',
        )
    ).eval()
    model.decode_head.size_divisor = 1
    model.network = lambda inputs: inputs[:, :1]
    return model


@pytest.mark.parametrize('cache', [False, True])
@pytest.mark.parametrize('way', WAYS)
def test_what_is_found_is_put_back_to_where_it_was(way: str, cache: bool, tmp_path: Path) -> None:
    mask = rectangles(tmp_path)
    end = dict(type='PackBinarySegInputs')
    steps = [
        step | dict(type='ResizeForScoring', resolution='original')
        if step['type'] == 'Resize'
        else step
        for step in WAYS[way]
    ]
    dataset = DATASETS.build(
        dict(
            type='BinaryMaskDataset',
            data_root=str(tmp_path),
            split='all',
            cache=cache,
            pipeline=[dict(type='LoadImage'), dict(type='LoadMask'), *steps, end],
        )
    )
    model = brightness()
    sample = dataset[0]
    assert sample['data_samples'].gt_sem_seg.data.shape == (1, 64, 96)
    done = model.test_step(dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']]))
    assert np.array_equal(done[0].pred_sem_seg.data[0].numpy(), mask)
    assert done[0].losses['loss_bce'] < 0.02  # the padding, black and ignored, adds nothing
    metric = DiceMetric()
    metric.process({}, [done[0].to_dict()])
    assert metric.compute_metrics(metric.results)['Dice'] == 1
    found = Predictor(TorchNetwork(model), [*WAYS[way], end])(tmp_path / 'images' / 'a.png')
    assert np.array_equal(found.mask, mask)


def test_padding_counts_for_no_metric_at_the_size_of_the_input(tmp_path: Path) -> None:
    mask = rectangles(tmp_path)
    results = dict(img=np.repeat(mask[..., None], 3, 2), gt_seg_map=mask, ori_shape=(64, 96))
    packed = Compose([*WAYS['aspect kept and padded'], dict(type='PackBinarySegInputs')])(results)
    truth = packed['data_samples'].gt_sem_seg.data[0].numpy()
    assert truth.shape == (192, 192) and (truth[128:] == 255).all() and (truth[:128] < 2).all()


def test_a_way_that_does_not_lead_back_is_refused(tmp_path: Path) -> None:
    rectangles(tmp_path)
    steps = [dict(type='CenterCrop', crop_size=48), dict(type='PackBinarySegInputs')]
    with pytest.raises(UserError, match='makes 48x48 of an image of 96x64'):
        Predictor(TorchNetwork(brightness()), steps)(tmp_path / 'images' / 'a.png')


def test_a_mask_that_was_resized_cannot_be_scored_at_the_size_of_its_file(tmp_path: Path) -> None:
    mask = rectangles(tmp_path)

    def predicted(*steps: dict) -> SegDataSample:
        results = dict(img=np.repeat(mask[..., None], 3, 2), gt_seg_map=mask, ori_shape=(64, 96))
        packed = Compose([*steps, dict(type='PackBinarySegInputs')])(results)
        samples = [packed['data_samples']]
        return brightness().test_step(dict(inputs=[packed['inputs']], data_samples=samples))[0]

    assert predicted(SQUARE).gt_sem_seg.data.shape == (1, 64, 96)  # only padded: that is taken off
    with pytest.raises(UserError, match='use ResizeForScoring'):
        predicted(KEEP)
