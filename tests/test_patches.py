"""Training on patches: where they lie, what they hold, and what a config of them may not say."""

from collections.abc import Callable

import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from custom_modules.base.errors import UserError
from custom_modules.config import load_config
from custom_modules.datasets.seeded_dataset import SeededDataset
from custom_modules.datasets.seeded_sampler import SeededIndex, SeededSampler
from custom_modules.engine.training_check import check_training

CONFIG, WHOLE = 'configs/binary_masks_unet_patches.py', 'configs/binary_masks_unet.py'


def picture(height: int, width: int, *foreground: tuple[int, int]) -> dict:
    """Return a picture whose pixels tell their row and column, with a few of foreground."""
    rows, columns = np.mgrid[:height, :width]
    mask = np.zeros((height, width), np.uint8)
    for pixel in foreground:
        mask[pixel] = 1
    image = np.stack([rows, columns, mask], 2).astype(np.uint8)
    shape = (height, width)
    return dict(img=image, gt_seg_map=mask, img_shape=shape, ori_shape=shape, size_changes=[])


def crop(size: int, share: float) -> Callable[[dict], dict]:
    return TRANSFORMS.build(dict(type='RandomCrop', size=size, foreground_share=share))


def corners(step: Callable[[dict], dict], results: dict, draws: int = 400) -> set[tuple[int, int]]:
    np.random.seed(0)
    found = (step(dict(results))['img'][0, 0] for _ in range(draws))
    return {(int(row), int(column)) for row, column, _ in found}


@pytest.mark.parametrize(
    ('share', 'foreground', 'rows', 'columns'),
    [
        (0, [(0, 0)], range(3), range(5)),  # 6 - 4 + 1 rows and 8 - 4 + 1 columns
        (1, [(5, 7)], [2], [4]),  # the corner has one patch alone
        (1, [(0, 3)], [0], range(4)),  # columns 0 to 3 hold column 3
        (1, [(3, 4)], range(3), range(1, 5)),
        (1, [], range(3), range(5)),  # no foreground: anywhere
    ],
    ids=['anywhere', 'corner', 'edge', 'middle', 'none'],
)
def test_where_patches_lie(share: float, foreground: list, rows: range, columns: range) -> None:
    found = corners(crop(4, share), picture(6, 8, *foreground))
    assert found == {(row, column) for row in rows for column in columns}


def test_patches_of_a_pixel_are_as_often_in_each_place() -> None:
    step, results = crop(4, 1.0), picture(7, 7, (3, 3))
    np.random.seed(0)
    places = [step(dict(results))['img'][0, 0, 0] for _ in range(1600)]
    assert np.bincount(places).tolist() == pytest.approx([400] * 4, abs=60)


def test_each_pixel_of_the_foreground_is_as_likely() -> None:
    """Three pixels in one row and one in another: three patches of four hold the row."""
    step, results = crop(1, 1.0), picture(9, 9, (2, 0), (2, 4), (2, 8), (7, 3))
    np.random.seed(0)
    rows = [step(dict(results))['img'][0, 0, 0] for _ in range(1000)]
    assert set(rows) == {2, 7}
    assert rows.count(2) == pytest.approx(750, abs=45)


@pytest.mark.parametrize('share', [0.0, 0.33, 1.0])
def test_the_share_of_patches_with_foreground(share: float) -> None:
    """One pixel of 64 x 64 lies in 16 of the 49 x 49 patches of 16 pixels, in each direction."""
    step, results = crop(16, share), picture(64, 64, (30, 30))
    np.random.seed(0)
    held = sum(step(dict(results))['gt_seg_map'].any() for _ in range(1000))
    expected = share + (1 - share) * (16 / 49) ** 2
    assert held / 1000 == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize('size', [(3, 4), (5, 9), (9, 5), (6, 6)])
def test_a_smaller_picture_is_continued_and_not_counted(size: tuple[int, int]) -> None:
    found = crop(6, 1.0)(picture(*size, (2, 1)))
    height, width = (min(side, 6) for side in size)
    image, mask = found['img'], found['gt_seg_map']
    assert image.shape == (6, 6, 3) and mask.shape == found['img_shape'] == (6, 6)
    assert (mask[height:] == 255).all() and (mask[:, width:] == 255).all()
    assert (mask[:height, :width] == 1).sum() == 1
    assert np.array_equal(image[height:], np.repeat(image[height - 1 : height], 6 - height, 0))
    expected = [('pad', (height, width), (6, 6))] if (height, width) != (6, 6) else []
    assert found['size_changes'] == expected


def test_ignored_pixels_are_no_foreground_and_pictures_without_masks_are_cut() -> None:
    results = picture(20, 20, (19, 19))
    results['gt_seg_map'][:10] = 255
    assert corners(crop(4, 1.0), results) == {(16, 16)}
    del results['gt_seg_map']
    assert crop(4, 1.0)(results)['img'].shape == (4, 4, 3)


def test_a_patch_depends_on_seed_epoch_index_and_time_alone() -> None:
    class Pictures:
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> dict:
            return crop(8, 0.1)(picture(64, 64, (5, 5)))

    dataset, sampler = SeededDataset(Pictures()), SeededSampler(range(3), times=4, seed=7)
    assert len(sampler) == 12

    def epoch(number: int) -> list[tuple[int, ...]]:
        sampler.set_epoch(number)
        return [(int(index), *dataset[index]['img'][0, 0].tolist()) for index in sampler]

    first, second = epoch(0), epoch(1)
    assert sorted(index for index, *_ in first) == [0] * 4 + [1] * 4 + [2] * 4
    assert len(set(first)) == 12 and first != second
    np.random.seed(5)
    assert epoch(0) == first
    # Without repetition the seeds are those of ever.
    once = [*SeededSampler(range(3), seed=7)]
    seeds = [np.random.SeedSequence([7, 0, int(i)]).generate_state(1)[0] for i in once]
    assert [index.seed for index in once if isinstance(index, SeededIndex)] == seeds


STRETCHED = 'patches of one scale, a test of another: images as they are in train_pipeline, 128x128'
RESIZED = "dict(type='ResizeForScoring', scale=128)"
FITTED = "dict(type='ResizeForScoring', scale=512, keep_ratio=True)"
CROPPED = "dict(type='RandomCrop', size=128)"
WINDOWS = "dict(type='SlidingWindow', size=128)"


def pipeline(stage: str, *steps: str) -> str:
    """Return the option that puts steps between loading and packing."""
    loads = ("dict(type='LoadImage')", "dict(type='LoadMask')")
    return f"{stage}_pipeline=[{', '.join((*loads, *steps))}, dict(type='PackBinarySegInputs')]"


@pytest.mark.parametrize(
    ('config', 'option', 'message'),
    [
        (CONFIG, 'patch_size=250', 'must be multiples of 16; use patch_size = 256'),
        (CONFIG, 'test_pipeline.2.size=100', 'must be multiples of 16; use patch_size = 96'),
        (CONFIG, pipeline('test', RESIZED), f'{STRETCHED} in the pipeline of val_dataloader'),
        (CONFIG, pipeline('test', FITTED, WINDOWS), '512x512 with keep_ratio in the pipeline of'),
        (WHOLE, pipeline('train', CROPPED), 'as they are in train_pipeline, 256x256 in the'),
        (
            WHOLE,
            pipeline('train', "dict(type='mmseg.RandomCrop', crop_size=(64,64))"),
            'images as they are in train_pipeline, 256x256 in the pipeline',
        ),
        (WHOLE, pipeline('test', WINDOWS), '256x256 in train_pipeline, images as they are in the'),
        (CONFIG, pipeline('test', CROPPED), 'val_dataloader: its pipeline has a RandomCrop'),
        (CONFIG, 'val_dataloader.batch_size=2', 'val_dataloader.batch_size: pictures that are'),
        (CONFIG, 'shard=True', 'shard = True: each process waits'),
    ],
)
def test_what_cannot_be_meant(config: str, option: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_training(load_config(config, [option]).resolved)


@pytest.mark.parametrize(
    'options',
    [
        [],
        [pipeline('test', "dict(type='Pad', size_divisor=16)")],  # whole images
        [pipeline('train', FITTED, CROPPED), pipeline('test', FITTED, WINDOWS)],
        [pipeline('train', "dict(type='RandomResize', scale=(64,64))", CROPPED)],
    ],
    ids=['as it is', 'whole', 'fitted', 'drawn'],
)
def test_what_can(options: list[str]) -> None:
    check_training(load_config(CONFIG, options).resolved)
