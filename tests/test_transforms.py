"""Pipelines on content: image and mask move together, probabilities hold, seeds decide."""

import os
import sys

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from custom_modules.base.errors import UserError

SIZE = (60, 80)


def picture_of_a_block() -> dict:
    """An image whose bright block is exactly the foreground of its mask."""
    mask = np.zeros(SIZE, np.uint8)
    mask[10:26, 50:70] = 1
    image = np.repeat(mask[..., None] * 200, 3, axis=2).astype(np.uint8)
    return dict(img=image, gt_seg_map=mask, img_shape=SIZE, ori_shape=SIZE, copy=1)


@pytest.mark.parametrize(
    'transform',
    [
        dict(type='RandomFlip', prob=1.0),
        dict(type='RandomAffine', prob=1.0, degrees=40),
        dict(type='RandomAffine', prob=1.0, scale=(0.5, 2.0)),
        dict(type='RandomAffine', prob=1.0, translate=0.3),
        dict(type='Resize', scale=(40, 30)),
        dict(
            type='Albumentations',
            transforms=[
                dict(
                    type='albumentations.OneOf',
                    p=1.0,
                    transforms=[
                        dict(type='albumentations.RandomResizedCrop', size=SIZE[::-1]),
                        dict(type='albumentations.Rotate', limit=40),
                        dict(type='albumentations.HorizontalFlip'),
                    ],
                )
            ],
        ),
        dict(type='OfflineAugmentation', kind='combine', degrees=30, translate=0.2),
        dict(type='OfflineAugmentation', kind='flip'),
    ],
    ids=lambda transform: transform['type'],
)
def test_image_and_mask_move_together(transform: dict) -> None:
    moved = 0
    for seed in range(10):
        np.random.seed(seed)
        before = picture_of_a_block()
        after = TRANSFORMS.build(transform)(picture_of_a_block())
        bright = after['img'][..., 0] > 100
        agreement = (bright == (after['gt_seg_map'] == 1)).mean()
        assert agreement > 0.96, agreement  # the block's edge is interpolated in the image only
        assert set(np.unique(after['gt_seg_map'])) <= {0, 1}
        moved += not np.array_equal(before['gt_seg_map'], after['gt_seg_map'])
    assert moved >= 9


def test_affine_moves_a_marked_pixel_where_it_should() -> None:
    transform = TRANSFORMS.build(dict(type='RandomAffine', prob=1.0))
    mark = dict(img=np.zeros((41, 41, 3), np.uint8), gt_seg_map=np.zeros((41, 41), np.uint8))
    mark['gt_seg_map'][20, 30] = 1  # ten pixels right of the centre
    for draw, (y, x) in (
        ((True, 90.0, 1.0, 0.0, 0.0), (10, 20)),  # a quarter turn to the left: above the centre
        ((True, 0.0, 1.0, 5 / 41, -3 / 41), (17, 35)),
        ((False, 90.0, 2.0, 0.5, 0.5), (20, 30)),
    ):
        transform._draw = lambda draw=draw: draw
        moved = transform({k: v.copy() for k, v in mark.items()})
        assert moved['gt_seg_map'][y, x] == 1
        assert moved['gt_seg_map'].sum() == 1


def test_a_warped_mask_holds_no_value_that_it_did_not_hold() -> None:
    """Mixed with its neighbours, 255 (ignored) would leave labels that nobody gave."""
    mask = np.zeros((40, 40), np.uint8)
    mask[:, 12:28], mask[12:28, 12:28] = 255, 1
    image = np.repeat(mask[..., None], 3, axis=2)
    transform = TRANSFORMS.build(dict(type='RandomAffine'))
    transform._draw = lambda: (True, 30.0, 1.7, 0.03, -0.04)
    after = transform(dict(img=image, gt_seg_map=mask))
    assert np.unique(after['gt_seg_map']).tolist() == [0, 1, 255]
    assert len(np.unique(after['img'])) > 20  # of an image that is what makes it smooth


def test_what_comes_in_from_outside_is_the_mirrored_picture() -> None:
    transform = TRANSFORMS.build(dict(type='RandomAffine'))
    transform._draw = lambda: (True, 0.0, 1.0, 2 / 8, 0.0)  # two pixels to the right
    columns = np.tile(np.arange(8, dtype=np.uint8), (8, 1))
    after = transform(dict(img=np.repeat(columns[..., None], 3, 2), gt_seg_map=columns))
    for moved in (after['img'][..., 1], after['gt_seg_map']):
        assert moved[3].tolist() == [2, 1, 0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ('more', 'degrees', 'translate'),
    [({}, 10, 0.05), (dict(degrees=40, translate=0.2), 40, 0.2)],
)
def test_combined_copies_are_turned_and_shifted(
    more: dict, degrees: float, translate: float
) -> None:
    copies = TRANSFORMS.build(dict(type='OfflineAugmentation', **more))
    draws = np.array([copies.affine._draw() for _ in range(500)], dtype=float)
    applied, angles, _, right, below = draws.T
    assert applied.all()
    for values, limit in ((angles, degrees), (right, translate), (below, translate)):
        assert 0.9 * limit < abs(values).max() <= limit


def marked() -> dict:
    mask = np.zeros((5, 7), np.uint8)
    mask[1, 2] = 1
    return dict(img=np.repeat(mask[..., None] * 9, 3, 2), gt_seg_map=mask, img_shape=(5, 7))


def test_flipped_copies_mark_the_mirrored_pixel() -> None:
    copies = TRANSFORMS.build(dict(type='OfflineAugmentation', kind='flip', n_aug=2))
    for copy, place in ((0, (1, 2)), (1, (1, 7 - 1 - 2)), (2, (5 - 1 - 1, 2))):
        after = copies(marked() | dict(copy=copy))
        assert np.argwhere(after['gt_seg_map']).tolist() == [list(place)]
        assert np.argwhere(after['img'][..., 0]).tolist() == [list(place)]


def test_combined_copies_are_flipped_half_of_the_time_and_originals_never() -> None:
    np.random.seed(0)
    copies = TRANSFORMS.build(dict(type='OfflineAugmentation', degrees=0, translate=0, n_aug=5))
    found = [np.argwhere(copies(marked() | dict(copy=3))['gt_seg_map'])[0] for _ in range(1000)]
    right, below = np.mean([x == 4 for _, x in found]), np.mean([y == 3 for y, _ in found])
    assert (right, below) == pytest.approx((0.5, 0.5), abs=0.05)
    for _ in range(20):
        assert np.argwhere(copies(marked() | dict(copy=0))['gt_seg_map']).tolist() == [[1, 2]]


def test_more_than_two_flipped_copies_are_an_error() -> None:
    with pytest.raises(UserError, match=r"kind='flip' makes at most 2 copies .* found n_aug=3"):
        TRANSFORMS.build(dict(type='OfflineAugmentation', kind='flip', n_aug=3))
    with pytest.raises(UserError, match=r"kind='mirror' is not allowed"):
        TRANSFORMS.build(dict(type='OfflineAugmentation', kind='mirror'))


def albumentations(*transforms: dict) -> object:
    return TRANSFORMS.build(dict(type='Albumentations', transforms=list(transforms)))


def test_albumentations_follows_numpys_seed_and_nothing_else() -> None:
    rotate = albumentations(dict(type='albumentations.Rotate', limit=90, p=1.0))
    results = []
    for seed in (1, 2, 1):
        np.random.seed(seed)
        results.append(rotate(picture_of_a_block())['img'])
    assert np.array_equal(results[0], results[2])
    assert not np.array_equal(results[0], results[1])


def test_albumentations_probabilities_hold() -> None:
    np.random.seed(0)
    flips = albumentations(
        dict(
            type='albumentations.OneOf',
            p=0.4,
            transforms=[
                dict(type='albumentations.HorizontalFlip'),
                dict(type='albumentations.VerticalFlip'),
            ],
        )
    )
    places = [tuple(np.argwhere(flips(marked())['gt_seg_map'])[0]) for _ in range(2000)]
    shares = [places.count(place) / 2000 for place in ((1, 2), (1, 4), (3, 2))]
    assert shares == pytest.approx([0.6, 0.2, 0.2], abs=0.04)


def test_albumentations_sees_rgb() -> None:
    to_grey = albumentations(dict(type='albumentations.ToGray', p=1.0))
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 2] = 255  # BGR
    assert to_grey(dict(img=red))['img'][0, 0].tolist() == [76, 76, 76]  # 0.299 of 255


def test_albumentations_sizes_are_those_of_the_configs() -> None:
    for size, shape in ((32, (32, 32)), ((40, 24), (24, 40))):
        crop = albumentations(dict(type='albumentations.RandomResizedCrop', size=size))
        after = crop(picture_of_a_block())
        assert after['img'].shape[:2] == after['gt_seg_map'].shape == after['img_shape'] == shape


def test_albumentations_notes_what_it_resizes() -> None:
    resize = albumentations(dict(type='albumentations.Resize', height=30, width=40))
    results = resize(picture_of_a_block())
    assert results['size_changes'] == [('resize', SIZE, (30, 40))]
    assert results['img_shape'] == (30, 40)
    same = albumentations(dict(type='albumentations.Resize', height=SIZE[0], width=SIZE[1]))
    assert 'size_changes' not in same(picture_of_a_block())


def test_albumentations_asks_no_network_for_a_newer_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv('NO_ALBUMENTATIONS_UPDATE', raising=False)
    albumentations()
    assert os.environ['NO_ALBUMENTATIONS_UPDATE'] == '1'
    monkeypatch.setitem(sys.modules, 'albumentations', None)
    with pytest.raises(UserError, match=r'needs the library albumentations \(.*; pip install -r'):
        albumentations()


def test_albumentations_names_what_is_wrong() -> None:
    with pytest.raises(UserError, match=r"HorizontalFlp' is no .*mean albumentations\.Horizontal"):
        albumentations(dict(type='albumentations.HorizontalFlp'))
    with pytest.raises(UserError, match=r"albumentations\.version' is no transform"):
        albumentations(dict(type='albumentations.version'))
    with pytest.raises(UserError, match=r"Blur: p=2: .*; blur_limit='wide': Input should be a "):
        albumentations(dict(type='albumentations.Blur', blur_limit='wide', p=2))
    with pytest.raises(UserError, match=r'OneOf: .*transforms'):
        albumentations(dict(type='albumentations.OneOf'))


def test_brightness_and_contrast_by_hand() -> None:
    transform = TRANSFORMS.build(dict(type='RandomBrightnessContrast'))
    image = np.array([[[50, 100, 150]]], np.uint8)  # mean 100
    for draw, wanted in (
        ((True, 1.2, 1.0), [70, 120, 170]),
        ((True, 1.0, 2.0), [0, 100, 200]),
        ((False, 1.2, 2.0), [50, 100, 150]),
    ):
        transform._draw = lambda draw=draw: draw
        assert transform(dict(img=image.copy()))['img'][0, 0].tolist() == wanted


def test_brightness_ends_at_black_and_white() -> None:
    step = TRANSFORMS.build(
        dict(type='RandomBrightnessContrast', prob=1.0, brightness=0.9, contrast=0.9)
    )
    image = np.array([[[0, 0, 0], [255, 255, 255]]], np.uint8)
    for seed in range(20):  # a table that ran over would turn black to white
        np.random.seed(seed)
        dark, bright = step(dict(img=image.copy()))['img'][0, :, 0].tolist()
        assert dark < bright


@pytest.mark.parametrize('name', ['RandomAffine', 'RandomBrightnessContrast'])
@pytest.mark.parametrize(('settings', 'share'), [({}, 0.5), (dict(prob=0.3), 0.3)])
def test_probabilities_hold(name: str, settings: dict, share: float) -> None:
    np.random.seed(0)
    transform = TRANSFORMS.build(dict(type=name, **settings))
    applied = sum(transform._draw()[0] for _ in range(4000))
    assert applied / 4000 == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize(
    ('config', 'ranges'),
    [
        (dict(type='RandomAffine'), [(0, 0), (1, 1), (0, 0), (0, 0)]),
        (dict(type='RandomAffine', degrees=9), [(-9, 9), (1, 1), (0, 0), (0, 0)]),
        (
            dict(type='RandomAffine', scale=(0.5, 2), translate=0.1),
            [(0, 0), (0.5, 2), (-0.1, 0.1), (-0.1, 0.1)],
        ),
        (dict(type='RandomBrightnessContrast'), [(0.8, 1.2), (0.8, 1.2)]),
        (dict(type='RandomBrightnessContrast', brightness=0, contrast=0.5), [(1, 1), (0.5, 1.5)]),
    ],
    ids=str,
)
def test_draws_fill_their_ranges_and_leave_them_never(config: dict, ranges: list) -> None:
    np.random.seed(0)
    step = TRANSFORMS.build(config)
    for values, (lowest, highest) in zip(
        np.array([step._draw()[1:] for _ in range(1000)]).T, ranges, strict=True
    ):
        assert lowest <= values.min() <= values.max() <= highest
        assert values.max() - values.min() >= 0.95 * (highest - lowest)


def test_scoring_at_the_original_resolution_leaves_the_mask() -> None:
    for resolution, shape in (('input', (32, 32)), ('original', SIZE)):
        config = dict(type='ResizeForScoring', scale=32, resolution=resolution)
        after = TRANSFORMS.build(config)(picture_of_a_block())
        assert after['img'].shape == (32, 32, 3)
        assert after['gt_seg_map'].shape == shape
