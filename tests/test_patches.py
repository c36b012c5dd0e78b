"""Training on patches: where they lie, what they hold, and what a config of them may not say."""

import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.registry import TRANSFORMS

from custom_modules.api import load
from custom_modules.base.errors import UserError
from custom_modules.commands.publish import publish
from custom_modules.commands.test import test as score
from custom_modules.commands.train import train
from custom_modules.config import load_config
from custom_modules.datasets.seeded_dataset import SeededDataset
from custom_modules.datasets.seeded_sampler import SeededIndex, SeededSampler
from custom_modules.engine.training_check import check_training
from tests.test_loops import NARROW

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
        (CONFIG, 'test_pipeline.2.size=100', 'must be multiples of 16; use patch_size = 96'),
        (CONFIG, pipeline('test', FITTED, WINDOWS), '512x512 with keep_ratio in the pipeline of'),
        (WHOLE, pipeline('train', CROPPED), 'as they are in train_pipeline, 256x256 in the'),
        (
            WHOLE,
            pipeline('train', "dict(type='mmseg.RandomCrop', crop_size=(64,64))"),
            'images as they are in train_pipeline, 256x256 in the pipeline',
        ),
        (WHOLE, pipeline('test', WINDOWS), '256x256 in train_pipeline, images as they are in the'),
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


SIZES = [(40, 70), (20, 90), (64, 30), (32, 32), (33, 47), (90, 90)]


def write(root: Path) -> None:
    """Write 18 pictures of six sizes with a bright bar, a mask each, and lists."""
    for folder in ('images', 'masks'):
        (root / folder).mkdir(parents=True)
    for number in range(18):
        height, width = SIZES[number % 6]
        mask = np.zeros((height, width), np.uint8)
        mask[height // 3 : height // 3 + 4, 5:20] = 1
        noise = np.random.default_rng(number).integers(0, 90, (height, width, 3))
        cv2.imwrite(str(root / 'images' / f'{number}.png'), noise + 150 * mask[..., None])
        cv2.imwrite(str(root / 'masks' / f'{number}.png'), mask)
    for split, numbers in dict(train=range(6), val=range(6, 12), test=range(12, 18)).items():
        (root / f'{split}.txt').write_text('\n'.join(map(str, numbers)))


def test_from_patches_to_a_published_model(tmp_path: Path) -> None:
    write(tmp_path / 'data')
    options = [
        *(f'data_root={tmp_path / "data"}', 'patch_size=32', 'batch_size=4', 'max_epochs=4'),
        *('patches_per_image=8', 'num_workers=0', 'precision=fp32', 'learning_rate=1e-2'),
        *(*NARROW, 'foreground_share=0.7', 'cache=True'),
    ]
    config = load_config(CONFIG, options)
    config.resolved.experiment_name = 'patches'
    run = train(config, str(tmp_path / 'runs'))
    best = run / 'best.pth'
    result = score(config, str(best), str(run / 'test'))
    assert result is not None and result['Dice'] > 0.4
    assert result['windows'] == dict(size=32, overlap=0.25)
    assert (result['image_size'], result['resolution']) == ('', 'original')
    assert result['cost']['image_size'] == [32, 32]  # type: ignore[index]
    assert 'other_than_trained' not in result
    with open(run / 'test' / 'per_image.csv', newline='') as file:
        counts = [
            [int(row[key]) for key in ('tp', 'fp', 'fn', 'tn')] for row in csv.DictReader(file)
        ]
    assert [sum(row) for row in counts] == [height * width for height, width in SIZES]

    published = tmp_path / 'published'
    publish(config, str(best), published, metrics=[run / 'test' / 'metrics.json'], images=6)
    for model, allowed in ((load(CONFIG, best, options=options), 0), (load(published), 2)):
        for number in range(12, 18):
            found = model(tmp_path / 'data' / 'images' / f'{number}.png').mask
            tested = cv2.imread(str(run / 'test' / 'masks' / f'{number}.png'), cv2.IMREAD_UNCHANGED)
            # A published network has its BatchNorm folded: a probability of 0.5 may round over.
            assert np.count_nonzero(found * 255 != tested) <= allowed

    stretched = load(WHOLE, best, options=[*NARROW, 'image_size=64'])
    assert stretched.notes == [
        'image size: 64x64 here, as it is in the training of these weights',
        'windows: none here, 32x32 in the training of these weights',
    ]


def test_a_model_of_ones_own_that_knows_no_windows() -> None:
    config = load_config(CONFIG).resolved
    config.model = dict(type='Conv2d')
    with pytest.raises(UserError, match=r'SlidingWindow: a BinarySegmentor .* Conv2d is none'):
        check_training(config)
