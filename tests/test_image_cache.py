"""The cache of decoded images: the same pixels, built once, never half, never in the way."""

import errno
import multiprocessing
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DATASETS

from custom_modules.config import load_config
from custom_modules.datasets import image_cache
from custom_modules.datasets.binary_seg_dataset import BinarySegDataset
from custom_modules.datasets.seeded_dataset import SeededDataset
from custom_modules.datasets.seeded_sampler import SeededIndex
from custom_modules.datasets.transforms.loading import LoadImage, LoadMask
from custom_modules.datasets.transforms.resizing import Resize


@pytest.fixture
def caches(tmp_path: Path) -> Path:
    return tmp_path / 'caches'


def build(root: Path, cache: Path | bool, *options: str, split: str = 'train') -> BinarySegDataset:
    settings = [f'data_root={root}', 'image_size=(48,32)', *options]
    config = load_config('configs/unet_pet.py', settings).resolved[f'{split}_dataloader']['dataset']
    return DATASETS.build(config | dict(cache=cache and str(cache), indices=8))


def same_samples(a: BinarySegDataset, b: BinarySegDataset) -> bool:
    a, b = SeededDataset(a), SeededDataset(b)
    pairs = [(a[SeededIndex(i, i)], b[SeededIndex(i, i)]) for i in range(len(a))]
    return all(
        torch.equal(x['inputs'], y['inputs'])
        and torch.equal(x['data_samples'].gt_sem_seg.data, y['data_samples'].gt_sem_seg.data)
        and x['data_samples'].metainfo == y['data_samples'].metainfo
        for x, y in pairs
    )


def whole(caches: Path) -> list[Path]:
    return [path for path in caches.iterdir() if path.is_dir()]


@pytest.mark.parametrize('split', ['train', 'val', 'test'])
def test_the_pixels_are_the_same(sample: Path, caches: Path, split: str) -> None:
    plain = build(sample, False, split=split)
    for _ in ('built', 'found'):
        cached = build(sample, caches, split=split)
        assert cached.cache is not None
        assert cached.cache.images.shape == (8, 32, 48, 3)
        assert same_samples(plain, cached)
    assert len(whole(caches)) == 1


def test_copies_of_an_enlarged_set_share_it(sample: Path, caches: Path) -> None:
    options = [f'data_root={sample}', 'image_size=32', 'train_dataloader.dataset.indices=4']
    config = load_config('configs/reports/r2_unet.py', options).resolved.train_dataloader['dataset']
    plain = DATASETS.build(config)
    cached = DATASETS.build(config | dict(cache=str(caches)))
    assert len(cached) == 8
    assert len(cached.cache.images) == 4
    assert same_samples(plain, cached)


def test_a_second_process_and_a_second_run_read_it(
    sample: Path, caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(sample, caches)
    monkeypatch.setattr(image_cache, '_build', None)  # would fail
    assert build(sample, caches).cache is not None


def test_a_folder_beside_the_data_is_the_default(sample: Path, tmp_path: Path) -> None:
    root = tmp_path / 'data'
    # tests of the same process may have caches beside the sample already
    shutil.copytree(sample, root, ignore=shutil.ignore_patterns('.petseg_cache'))
    config = load_config(
        'configs/unet_pet.py', [f'data_root={root}', 'cache=True', 'image_size=32']
    ).resolved
    dataset = DATASETS.build(config.val_dataloader['dataset'])
    assert dataset.cache is not None
    assert len(whole(root / '.petseg_cache')) == 1


def test_whatever_decides_about_the_pixels_makes_another(sample: Path, tmp_path: Path) -> None:
    root, caches = tmp_path / 'data', tmp_path / 'caches'
    shutil.copytree(sample, root)
    build(root, caches)
    build(root, caches, 'border=ignore')
    build(root, caches, 'image_size=32')
    build(root, caches, 'train_pipeline.2.interpolation=nearest')
    assert len(whole(caches)) == 4
    before = build(root, caches)
    first = before.get_data_info(0)['img_path']
    cv2.imwrite(first, 255 - cv2.imread(first))
    after = build(root, caches)
    assert len(whole(caches)) == 5
    assert same_samples(build(root, False), after)
    assert not np.array_equal(before.cache.images[0], after.cache.images[0])


@pytest.mark.parametrize(
    'change',
    [
        'mtime of the image',
        'mtime of the mask',
        'size of the image',
        'path',
        'encoding',
        'order',
        'size',
        'decoder',
        'version',
    ],
)
def test_each_thing_that_decides_is_in_the_digest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    entries = []
    for name in ('a', 'b'):
        (tmp_path / f'{name}.jpg').write_bytes(b'image')
        (tmp_path / f'{name}.png').write_bytes(b'mask')
        os.utime(tmp_path / f'{name}.jpg', ns=(1, 1))
        os.utime(tmp_path / f'{name}.png', ns=(1, 1))
        entries.append(
            dict(
                img_path=str(tmp_path / f'{name}.jpg'),
                seg_map_path=str(tmp_path / f'{name}.png'),
                mask_encodings=[{0: 0, 1: 1}],
            )
        )
    steps = [LoadImage(), LoadMask(), Resize(scale=32)]
    before = image_cache._digest(entries, steps)
    assert image_cache._digest(entries, [LoadImage(), LoadMask(), Resize(scale=32)]) == before
    match change:
        case 'mtime of the image':  # rewritten within the second, as long as before
            os.utime(tmp_path / 'b.jpg', ns=(1, 2))
        case 'mtime of the mask':
            os.utime(tmp_path / 'a.png', ns=(1, 2))
        case 'size of the image':
            (tmp_path / 'a.jpg').write_bytes(b'another')
            os.utime(tmp_path / 'a.jpg', ns=(1, 1))
        case 'path':
            (tmp_path / 'c.png').hardlink_to(tmp_path / 'a.png')
            entries[0]['seg_map_path'] = str(tmp_path / 'c.png')
        case 'encoding':
            entries[1]['mask_encodings'] = [{0: 0, 1: 255}]
        case 'order':
            entries.reverse()
        case 'size':
            steps[2] = Resize(scale=33)
        case 'decoder':
            monkeypatch.setattr(image_cache.cv2, '__version__', 'another')
        case 'version':
            monkeypatch.setattr(image_cache, 'VERSION', image_cache.VERSION + 1)
    assert image_cache._digest(entries, steps) != before


def test_a_damaged_one_is_built_again(sample: Path, caches: Path) -> None:
    plain = build(sample, False)
    build(sample, caches)
    (place,) = whole(caches)
    for damage in (
        lambda: (place / 'images.npy').write_bytes((place / 'images.npy').read_bytes()[:-1000]),
        lambda: (place / 'masks.npy').unlink(),
        lambda: (place / 'shapes.npy').write_bytes(b'not an array'),
        lambda: (place / 'images.npy').write_bytes(b''),
    ):
        damage()
        assert same_samples(plain, build(sample, caches))


def test_one_cut_short_leaves_nothing_and_is_built_the_next_time(
    sample: Path, caches: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(image_cache.np, 'save', interrupted)
        with pytest.raises(KeyboardInterrupt):
            build(sample, caches)
    assert whole(caches) == []
    dataset = build(sample, caches)
    assert dataset.cache is not None
    # A process that is killed cannot clean up after itself; the next one does.
    (place,) = whole(caches)
    place.rename(caches / f'{place.name}.123.part')
    assert same_samples(dataset, build(sample, caches))
    assert whole(caches) == [place]


def unavailable(dataset: BinarySegDataset, plain: BinarySegDataset, said: str) -> bool:
    return dataset.cache is None and 'cache of the split' in said and same_samples(plain, dataset)


def test_where_it_does_not_fit_the_files_are_read(
    sample: Path,
    caches: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = build(sample, False)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(image_cache.os, 'fsync', full)
        dataset = build(sample, caches)
    said = capsys.readouterr().out
    assert unavailable(dataset, plain, said) and 'not used, No space left on device' in said
    assert whole(caches) == []

    usage = shutil.disk_usage(sample)._replace(free=10_000)
    with monkeypatch.context() as patch:
        patch.setattr(image_cache.shutil, 'disk_usage', lambda _: usage)
        dataset = build(sample, caches)
    said = capsys.readouterr().out
    assert unavailable(dataset, plain, said) and 'are needed, 0.0 are free' in said

    blocked = caches.parent / 'file'
    blocked.write_text('')
    dataset = build(sample, blocked)
    assert unavailable(dataset, plain, capsys.readouterr().out)


@pytest.mark.parametrize(
    ('options', 'left_out', 'split', 'reason'),
    [
        ([], 'Resize', 'train', 'does not begin with a resize'),
        (['resolution=original'], '', 'val', 'scored at their original size'),
    ],
)
def test_pipelines_that_cannot_be_cached(
    sample: Path,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    left_out: str,
    split: str,
    reason: str,
) -> None:
    settings = [f'data_root={sample}', 'cache=True', 'image_size=32', *options]
    config = load_config('configs/unet_pet.py', settings).resolved[f'{split}_dataloader']['dataset']
    pipeline = [step for step in config['pipeline'] if step['type'] != left_out]
    dataset = DATASETS.build(config | dict(pipeline=pipeline))
    assert dataset.cache is None
    assert reason in capsys.readouterr().out
    assert dataset[0]['inputs'].ndim == 3


def _build_elsewhere(root: Path, caches: Path, results: multiprocessing.Queue) -> None:
    results.put(int(build(root, caches).cache.images.astype(np.int64).sum()))


def test_two_processes_at_once(sample: Path, caches: Path) -> None:
    context = multiprocessing.get_context('fork')
    results = context.Queue()
    processes = [
        context.Process(target=_build_elsewhere, args=(sample, caches, results)) for _ in range(2)
    ]
    for process in processes:
        process.start()
    sums = [results.get(timeout=60) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    assert sums[0] == sums[1] == int(build(sample, caches).cache.images.astype(np.int64).sum())
    assert len(whole(caches)) == 1
