"""Splits, border policies, the user's own masks, and seeds that no number of workers can change."""

import os
import shutil
from itertools import chain, combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.registry import DATASETS
from PIL import Image

from custom_modules.base.errors import UserError
from custom_modules.config import load_config
from custom_modules.datasets import BinaryMaskDataset, OxfordPetDataset, SeededSampler
from custom_modules.datasets.binary_seg_dataset import BinarySegDataset
from custom_modules.datasets.oxford.dataset import read_list_file
from custom_modules.datasets.seeded_dataset import SeededDataset, batches_from
from custom_modules.datasets.shared_images import (
    image_marks,
    shared_images,
    shared_line,
    trained_on,
)
from custom_modules.datasets.statistics import channel_statistics
from custom_modules.distributed.processes import workers_of
from custom_modules.engine import PetSegRunner
from tests.corpus.splits import splits_of, write_pairs

PIPELINE = [dict(type='LoadImage'), dict(type='LoadMask'), dict(type='PackBinarySegInputs')]


#: Stems in lists; of 20 images, p15 to p19 are in none.
LISTS = {
    'train': [f'p{n}' for n in (5, 3, 0, 2, 4, 1)],
    'val': ['p9', 'p6', 'p7', 'p8'],
    'test': [f'p{n}' for n in range(10, 15)],
}


def oxford(root: Path, **arguments: object) -> OxfordPetDataset:
    return OxfordPetDataset(str(root), pipeline=PIPELINE, **arguments)


def ids(dataset: object) -> list[str]:
    return [dataset.get_data_info(i)['sample_id'] for i in range(len(dataset))]


def test_every_tenth_line_of_trainval_is_validation(sample: Path) -> None:
    lines = (sample / 'annotations' / 'trainval.txt').read_text().splitlines()
    listed = [line.split()[0] for line in lines]
    assert ids(oxford(sample, split='val')) == listed[::10]
    assert ids(oxford(sample, split='train')) == [n for i, n in enumerate(listed) if i % 10]
    assert ids(oxford(sample, split='trainval')) == listed
    test = set(ids(oxford(sample, split='test')))
    assert len(test) == 80
    assert not test & set(listed)


def test_species_and_breed_group_the_images_of_a_test(sample: Path) -> None:
    dataset = SeededDataset.build(oxford(sample, split='val', test_mode=True))
    for packed in (dataset[i]['data_samples'] for i in range(4)):
        assert packed.groups['species'] == ('cat' if packed.sample_id[0].isupper() else 'dog')
        assert packed.sample_id.startswith(packed.groups['breed'] + '_')
    assert 'groups' not in SeededDataset.build(oxford(sample, split='val'))[0]['data_samples']


def test_a_subset_is_drawn_from_all_and_a_smaller_one_is_a_part_of_it(sample: Path) -> None:
    every = ids(oxford(sample, split='train'))
    for seed in (0, 1):
        order = np.random.default_rng(seed).permutation(len(every))
        for number in (1, 7, len(every)):
            expected = [every[index] for index in sorted(order[:number])]
            assert ids(oxford(sample, split='train', subset=number, subset_seed=seed)) == expected
    for number in (0, -1, len(every) + 1):
        with pytest.raises(UserError, match=f'subset={number} is not allowed; the split has'):
            oxford(sample, split='train', subset=number)


def test_a_class_that_gives_no_split_is_told_what_to_define() -> None:
    class Undecided(BinarySegDataset):
        split = 'train'

    with pytest.raises(UserError, match=r"Undecided does not say .* 'train' .*load_split\(split\)"):
        Undecided()


def test_cats_and_dogs_apart(sample: Path) -> None:
    lines = (sample / 'annotations' / 'test.txt').read_text().splitlines()
    for species, digit in (('cat', '1'), ('dog', '2')):
        listed = [line.split()[0] for line in lines if line.split()[2] == digit]
        assert listed and ids(oxford(sample, split='test', species=species)) == listed
    with pytest.raises(UserError, match="species='cow' is not allowed; use None, cat or dog"):
        oxford(sample, species='cow')


@pytest.mark.parametrize(
    ('border', 'labels'),
    [
        ('foreground', {1: 1, 2: 0, 3: 1}),
        ('background', {1: 1, 2: 0, 3: 0}),
        ('ignore', {1: 1, 2: 0, 3: 255}),
        ('only', {1: 0, 2: 0, 3: 1}),
    ],
)
def test_border_policies_map_each_trimap_value(sample: Path, border: str, labels: dict) -> None:
    dataset = oxford(sample, split='val', border=border)
    trimap = cv2.imread(dataset.get_data_info(0)['seg_map_path'], cv2.IMREAD_UNCHANGED)
    mask = dataset[0]['data_samples'].gt_sem_seg.data[0].numpy()
    assert set(np.unique(trimap)) == {1, 2, 3}
    for value, label in labels.items():
        assert (mask[trimap == value] == label).all()


def test_an_enlarged_set_repeats_the_list(sample: Path) -> None:
    plain, enlarged = oxford(sample, split='val'), oxford(sample, split='val', n_aug=2)
    assert len(enlarged) == 3 * len(plain)
    assert ids(enlarged) == 3 * ids(plain)
    copies = [enlarged.get_data_info(i)['copy'] for i in range(len(enlarged))]
    assert copies == [0] * len(plain) + [1] * len(plain) + [2] * len(plain)
    assert len(oxford(sample, split='val', n_aug=1, indices=3)) == 6
    with pytest.raises(UserError, match='n_aug=-1'):
        oxford(sample, n_aug=-1)


def test_copies_of_r2_are_drawn_anew_in_every_epoch_and_originals_stay(sample: Path) -> None:
    options = [f'data_root={sample}', 'image_size=32', 'train_dataloader.dataset.indices=4']
    dataset = DATASETS.build(
        load_config('configs/reports/r2_unet.py', options).resolved.train_dataloader['dataset']
    )
    sampler = SeededSampler(dataset, shuffle=True, seed=0)
    epochs = []
    for epoch in range(2):
        sampler.set_epoch(epoch)
        epochs.append({int(index): dataset[index]['inputs'] for index in sampler})
    same = {index: torch.equal(epochs[0][index], epochs[1][index]) for index in epochs[0]}
    assert same == {index: index < 4 for index in range(8)}


def test_statistics_of_the_training_set(sample: Path) -> None:
    """Every image weighs the same, whatever its size; RGB."""
    dataset = oxford(sample, split='val')
    mean, std = channel_statistics(dataset)
    pixels = [
        np.asarray(Image.open(dataset.get_data_info(i)['img_path']), np.float64).reshape(-1, 3)
        for i in range(len(dataset))
    ]
    by_hand = np.mean([p.mean(0) for p in pixels], axis=0)
    squares = np.mean([(p**2).mean(0) for p in pixels], axis=0)
    # OpenCV and Pillow may decode a JPEG one grey level apart.
    np.testing.assert_allclose(mean, by_hand, atol=0.2)
    np.testing.assert_allclose(std, np.sqrt(squares - by_hand**2), atol=0.2)


def test_a_trimap_with_another_value_is_an_error(sample: Path, tmp_path: Path) -> None:
    root = shutil.copytree(sample, tmp_path / 'broken')
    dataset = oxford(root, split='val')
    path = dataset.get_data_info(0)['seg_map_path']
    trimap = cv2.imread(path, cv2.IMREAD_UNCHANGED)
    trimap[0, 0] = 0
    cv2.imwrite(path, trimap)
    with pytest.raises(UserError, match=r'values 0, 1, 2, 3; allowed are \[1, 2, 3\]'):
        dataset[0]


def test_mistakes_are_named(sample: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'split=.dev. is not allowed; use one of train, val'):
        oxford(sample, split='dev')
    with pytest.raises(UserError, match=r'border=.none. is not allowed'):
        oxford(sample, border='none')
    with pytest.raises(UserError, match=r'prepare_data\.py --download'):
        oxford(tmp_path)
    root = shutil.copytree(sample, tmp_path / 'half')
    name = ids(oxford(root, split='test'))[3]
    (root / 'images' / f'{name}.jpg').unlink()
    with pytest.raises(UserError, match=rf'1 files .* missing, the first is images/{name}\.jpg'):
        oxford(root, split='test')


@pytest.mark.parametrize(
    'line', ['Tabby_1', 'Tabby_1 1 7 1', '../../etc/passwd 1 1 1', '.hidden 1 1 1', 'a\\b 1 1 1']
)
def test_lines_that_are_no_entries_are_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / 'list.txt'
    path.write_bytes(f'# comment\r\n\r\nTabby_2 1 1 1\r\n{line}\r\n'.encode())
    with pytest.raises(UserError, match=r'list\.txt, line 4'):
        read_list_file(path)


def test_an_image_that_is_listed_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'list.txt'
    path.write_text('Tabby_2 1 1 1\nTabby_1 1 1 1\nTabby_2 1 1 1\n')
    with pytest.raises(UserError, match=r"list\.txt: 'Tabby_2' is listed twice"):
        read_list_file(path)
    root = make_masks(tmp_path / 'mine')
    (root / 'train.txt').write_text('photo 1\nphoto 1\n')
    with pytest.raises(UserError, match=r"train\.txt: 'photo 1' is listed twice"):
        BinaryMaskDataset(str(root), pipeline=PIPELINE)


def make_masks(root: Path, count: int = 10, foreground: int = 255) -> Path:
    for folder in ('images', 'masks'):
        (root / folder).mkdir(parents=True)
    for n in range(count):
        mask = np.zeros((8, 9), np.uint8)
        mask[2:5, : n + 1] = foreground
        cv2.imwrite(str(root / 'images' / f'photo {n}.jpg'), np.full((8, 9, 3), 20 * n, np.uint8))
        cv2.imwrite(str(root / 'masks' / f'photo {n}.png'), mask)
    return root


@pytest.mark.parametrize('foreground', [1, 255])
def test_own_masks(tmp_path: Path, foreground: int) -> None:
    root = make_masks(tmp_path, foreground=foreground)
    splits = {
        split: BinaryMaskDataset(str(root), split, pipeline=PIPELINE)
        for split in ('train', 'val', 'test')
    }
    names = {split: ids(dataset) for split, dataset in splits.items()}
    assert [len(n) for n in names.values()] == [8, 1, 1]
    assert sorted(n for split in names.values() for n in split) == [f'photo {n}' for n in range(10)]
    again = ids(BinaryMaskDataset(str(root), 'val', pipeline=PIPELINE))
    assert again == names['val']
    for packed in (splits['train'][i]['data_samples'] for i in range(8)):
        columns = int(packed.sample_id.split()[1]) + 1
        assert int(packed.gt_sem_seg.data.sum()) == 3 * min(columns, 9)


def test_own_masks_follow_list_files(tmp_path: Path) -> None:
    root = make_masks(tmp_path)
    (root / 'val.txt').write_text('photo 3\n\nphoto 7\n')
    assert ids(BinaryMaskDataset(str(root), 'val')) == ['photo 3', 'photo 7']
    (root / 'val.txt').write_text('photo 33\n')
    with pytest.raises(UserError, match=r"val\.txt: 1 names have no image, .*'photo 33'"):
        BinaryMaskDataset(str(root), 'val')


@pytest.mark.parametrize('listed', [c for n in range(4) for c in combinations(LISTS, n)], ids=str)
def test_no_image_is_in_two_splits(tmp_path: Path, listed: tuple[str, ...]) -> None:
    """Whatever lists there are, lists are kept, but for what validation takes out of train's."""
    stems = [f'p{n}' for n in range(20)]
    write_pairs(tmp_path, stems)
    for split in listed:
        (tmp_path / f'{split}.txt').write_text('\n'.join(LISTS[split]))
    found = splits_of(tmp_path)  # checks that no name is in two
    for split in set(listed) - {'train'}:
        assert found[split] == LISTS[split]
    if 'train' in listed:
        kept = found['train'] + ([] if 'val' in listed else found['val'])
        assert sorted(kept) == sorted(LISTS['train'])
    all_named = {'train', 'test'} <= set(listed)
    used = chain(*(LISTS[split] for split in listed)) if all_named else stems
    assert sorted(chain(*found.values())) == sorted(used)
    for split in listed:  # the order of the lines decides about nothing but the order
        (tmp_path / f'{split}.txt').write_text('\n'.join(reversed(LISTS[split])))
    again = splits_of(tmp_path)
    assert {s: sorted(n) for s, n in again.items()} == {s: sorted(n) for s, n in found.items()}


@pytest.mark.parametrize(
    ('listed', 'line'),
    [
        ((), '20 images (train 16, val 2, test 2)'),
        (('train',), '20 images (train 5, val 1, test 14); val is taken out of train.txt; '),
        (('test',), '20 images (train 13, val 2, test 5); train and val from the images in no'),
        (('train', 'val'), '20 images (train 6, val 4, test 10); test is the images in no list'),
        (
            ('train', 'val', 'test'),
            "15 images (train 6, val 4, test 5); 5 images in no list: 'p15', 'p16', 'p17', ...",
        ),
    ],
    ids=str,
)
def test_a_run_says_once_how_many_images_each_split_has(
    tmp_path: Path, capsys: pytest.CaptureFixture, listed: tuple[str, ...], line: str
) -> None:
    write_pairs(tmp_path, [f'p{n}' for n in range(20)])
    for split in listed:
        (tmp_path / f'{split}.txt').write_text('\n'.join(LISTS[split]))
    (tmp_path / 'images' / 'notes.txt').write_text('mine')
    (tmp_path / 'masks' / 'old').mkdir()
    splits_of(tmp_path)
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 1
    assert said[0].startswith(f'{tmp_path}: {line}')
    assert said[0].endswith("; 2 files left out: 'images/notes.txt', 'masks/old/'")


def test_images_that_two_splits_share_are_found(tmp_path: Path, sample: Path) -> None:
    write_pairs(tmp_path, [f'p{n}' for n in range(20)])
    (tmp_path / 'test.txt').write_text('p3\np4')
    options = [f'data_root={tmp_path}', 'train_dataloader.dataset.split=all']
    config = load_config('configs/binary_masks_unet.py', options).resolved
    test = BinaryMaskDataset(str(tmp_path), 'test', pipeline=[])
    shared = [str(tmp_path / 'images' / f'p{n}.jpg') for n in (3, 4)]
    assert trained_on(None, config, test) == shared
    assert 'warning: 2 of the tested images' in shared_line(shared, 'tested')
    honest = load_config('configs/binary_masks_unet.py', options[:1]).resolved
    assert trained_on(None, honest, test) == []
    lost = load_config('configs/binary_masks_unet.py', ['data_root=lost']).resolved
    assert trained_on(None, lost, test) == []
    assert shared_images(oxford(sample, split='trainval'), oxford(sample, split='test')) == []
    assert len(shared_images(oxford(sample, split='trainval'), oxford(sample, split='val'))) == 24


def test_images_that_are_added_after_a_training_are_no_excuse(tmp_path: Path) -> None:
    """They draw the splits anew; the checkpoint knows what it was trained on."""
    write_pairs(tmp_path / 'old', [f'p{n}' for n in range(20)])
    train = BinaryMaskDataset(str(tmp_path / 'old'), 'train', pipeline=[])
    marks = sorted(image_marks(train))
    (tmp_path / 'old').rename(tmp_path / 'new')
    before = BinaryMaskDataset(str(tmp_path / 'new'), 'test', pipeline=[])
    assert trained_on(marks, {}, before) == []
    write_pairs(tmp_path / 'new', [f'q{n}' for n in range(10)])
    after = BinaryMaskDataset(str(tmp_path / 'new'), 'test', pipeline=[])
    both = sorted({*ids(train)} & {*ids(after)})
    found = trained_on(marks, {}, after)
    assert [Path(file).stem for file in found] == both != []
    Path(found[0]).write_bytes(b'another picture of this name')
    assert trained_on(marks, {}, after) == found[1:]


def test_ignored_pixels_of_own_masks(tmp_path: Path) -> None:
    root = make_masks(tmp_path, count=1, foreground=255)
    cv2.imwrite(str(root / 'masks' / 'photo 0.png'), np.array([[0, 1, 255] * 3] * 8, np.uint8))
    dataset = BinaryMaskDataset(str(root), 'all', ignore_value=255, pipeline=PIPELINE)
    mask = dataset[0]['data_samples'].gt_sem_seg.data[0]
    assert mask[0].tolist() == [0, 1, 255] * 3


def test_orphans_and_doubles_are_named(tmp_path: Path) -> None:
    root = make_masks(tmp_path)
    shutil.copy(root / 'images' / 'photo 1.jpg', root / 'images' / 'alone.jpg')
    with pytest.raises(UserError, match=r'images: 1 files have no partner .*alone'):
        BinaryMaskDataset(str(root))
    (root / 'images' / 'alone.jpg').rename(root / 'images' / 'photo 1.jpeg')
    with pytest.raises(UserError, match=r"2 files are called 'photo 1'"):
        BinaryMaskDataset(str(root))
    with pytest.raises(UserError, match='no such folder'):
        BinaryMaskDataset(str(root), images='pictures')
    with pytest.raises(UserError, match='their sum is 1'):
        BinaryMaskDataset(str(root), fractions=(1, 1, 1))


def drawn_numbers(sample: Path, workers: int, epochs: int, skip: int = 0) -> list[torch.Tensor]:
    """The augmented batches of several epochs."""
    augment = dict(type='RandomAffine', prob=0.8, degrees=90, translate=0.3)
    pipeline = [*PIPELINE[:2], dict(type='Resize', scale=24), augment, PIPELINE[2]]
    loader = PetSegRunner.build_dataloader(
        dict(
            batch_size=4,
            num_workers=workers,
            persistent_workers=True,
            sampler=dict(type='SeededSampler', shuffle=True),
            collate_fn=dict(type='default_collate'),
            dataset=DATASETS.build(
                dict(
                    type='OxfordPetDataset',
                    data_root=str(sample),
                    split='train',
                    indices=12,
                    pipeline=pipeline,
                )
            ),
        ),
        seed=5,
    )
    batches = []
    for epoch in range(epochs):
        loader.sampler.set_epoch(epoch)
        done = skip if epoch == epochs - 1 else 0
        batches += [batch['inputs'] for batch in batches_from(loader, done)]
    return batches


def test_any_number_of_workers_draws_the_same_numbers(sample: Path) -> None:
    alone = drawn_numbers(sample, workers=0, epochs=2)
    for workers in (1, 2):
        others = drawn_numbers(sample, workers=workers, epochs=2)
        assert all(torch.equal(a, b) for a, b in zip(alone, others, strict=True))
    first, second = torch.cat(alone[:3]), torch.cat(alone[3:])
    assert not torch.equal(first.sort(0)[0], second.sort(0)[0])  # another augmentation each epoch


def test_auto_is_a_worker_per_core_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, ranks, workers in ((2, 1, 2), (1, 1, 1), (64, 1, 8), (16, 4, 4), (2, 4, 1)):
        monkeypatch.setattr(os, 'sched_getaffinity', lambda _, n=cores: set(range(n)))
        monkeypatch.setenv('LOCAL_WORLD_SIZE', str(ranks))
        assert workers_of('auto') == workers


def test_an_epoch_can_start_in_the_middle(sample: Path) -> None:
    whole = drawn_numbers(sample, workers=0, epochs=2)
    rest = drawn_numbers(sample, workers=0, epochs=2, skip=2)
    assert len(rest) == 3 + 1
    assert torch.equal(rest[-1], whole[-1])
