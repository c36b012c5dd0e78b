"""The real data set, where its archives are: PETSEG_ARCHIVES, or a folder beside the checkout."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from mmengine.registry import DATASETS

from custom_modules.commands.prepare_data import unpack_archives
from custom_modules.config import load_config
from custom_modules.datasets.oxford.archives import ARCHIVES
from custom_modules.datasets.oxford.check import check_oxford_pet
from custom_modules.datasets.oxford.dataset import read_splits
from custom_modules.datasets.statistics import channel_statistics
from tests.conftest import ROOT, Command

FOLDER = Path(
    os.environ.get('PETSEG_ARCHIVES') or ROOT.parent / 'shared' / 'oxford-iiit-pet-256'
).resolve()

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not all((FOLDER / name).is_file() for name in ARCHIVES),
        reason=f'the archives of the real data set are not in {FOLDER}',
    ),
]

#: Listed images whose trimap is all background although a pet is visible.
EMPTY = {
    'Egyptian_Mau_162',
    'Egyptian_Mau_165',
    'Egyptian_Mau_196',
    'leonberger_18',
    'miniature_pinscher_14',
    'saint_bernard_108',
    'saint_bernard_15',
    'Egyptian_Mau_20',
    'Persian_259',
    'japanese_chin_199',
    'keeshond_7',
    'saint_bernard_60',
    'saint_bernard_78',
    'wheaten_terrier_195',
}


@pytest.fixture(scope='module')
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp('real')
    unpack_archives(root, FOLDER)
    yield root


def test_the_archives_hold_what_was_published(real: Path) -> None:
    report = check_oxford_pet(real)
    assert report.faults == []
    assert report.images == 7349
    empty = {Path(note.file).stem for note in report.notes if note.kind == 'all background'}
    assert empty == EMPTY
    wanted = dict(pet=0.295, background=0.589, border=0.116)
    assert report.pixel_shares == pytest.approx(wanted, abs=0.01)


def test_the_usual_split(real: Path) -> None:
    annotations = real / 'annotations'
    found = read_splits(annotations, 'test')
    splits = {name: found[name] for name in ('train', 'val', 'test')}
    assert {name: len(split) for name, split in splits.items()} == dict(
        train=3312, val=368, test=3669
    )
    ids = [entry.sample_id for split in splits.values() for entry in split]
    assert len(set(ids)) == len(ids) == 7349
    for entry in splits['test']:
        assert (entry.species == 'cat') == entry.sample_id[0].isupper()
    assert len({entry.breed for entry in splits['train']}) == 37


def test_r3_normalises_with_the_statistics_of_the_training_set(real: Path) -> None:
    config = load_config('configs/reports/r3_unet.py', [f'data_root={real}']).resolved
    mean, std = channel_statistics(DATASETS.build(config.train_dataloader['dataset']))
    preprocessor = config.model['data_preprocessor']
    assert preprocessor['mean'] == pytest.approx(mean, abs=0.01)
    assert preprocessor['std'] == pytest.approx(std, abs=0.01)


def test_a_few_hundred_real_images_teach_something(
    run_tool: Command, real: Path, tmp_path: Path
) -> None:
    options = [
        '--cfg-options',
        f'data_root={real}',
        'image_size=64',
        'max_epochs=6',
        'train_dataloader.dataset.indices=320',
        'val_dataloader.dataset.indices=64',
        'test_dataloader.dataset.indices=200',
    ]
    config = 'configs/sample/unet_sample.py'
    done = run_tool('train.py', config, '--work-dir', 'runs', *options, timeout=300)
    assert done.returncode == 0, done.stderr
    best = tmp_path / 'runs' / 'latest' / 'best.pth'
    done = run_tool('test.py', config, best, '--out', 'out', *options)
    assert done.returncode == 0, done.stderr
    metrics = json.loads((tmp_path / 'out' / 'metrics.json').read_text())
    assert metrics['num_images'] == 200
    # All of an image called pet scores about 0.55 on this split.
    assert metrics['Dice'] > 0.62, metrics
