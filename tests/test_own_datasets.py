"""Data sets that hold others, and data sets of one's own: tested, shown and measured as ours."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from torch.utils.data import Dataset

from custom_modules.base.errors import UserError
from custom_modules.commands.browse_dataset import browse
from custom_modules.commands.test import test as score
from custom_modules.config import LoadedConfig, load_config
from custom_modules.config.held_datasets import changed, described, held_datasets, pipeline_of
from custom_modules.datasets.seeded_dataset import SeededDataset
from custom_modules.export.real_batches import real_batches
from custom_modules.runs.metrics_text import describe
from custom_modules.runs.per_image_csv import read_rows
from tests.conftest import Command, tiny_options

CONFIG = 'configs/sample/unet_sample.py'
SIDE = 32


class ListOfFiles(BaseDataset):
    """Somebody's data set as MMEngine's pages show it: no split, no cache, no sample_id."""

    def load_data_list(self) -> list[dict]:
        root = Path(str(self.data_root))
        return [
            dict(
                img_path=str(path),
                seg_map_path=str(root / 'annotations' / 'trimaps' / f'{path.stem}.png'),
                mask_encodings=[{1: 1, 2: 0, 3: 255}],
            )
            for path in sorted((root / 'images').glob('*.jpg'))[:3]
        ]


class InMemory(Dataset):
    """Somebody's data set as PyTorch's pages show it: numbers and nothing else."""

    def __init__(self, length: int = 3, labelled: bool = True, side: int = SIDE) -> None:
        self.length = length
        self.labelled = labelled
        self.side = side

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> dict:
        sample = SegDataSample(metainfo=dict(img_path=f'{index}.raw'))
        mask = torch.zeros(1, self.side, SIDE, dtype=torch.uint8)
        mask[:, index : 2 * index + 2] = 1
        if self.labelled or index != 1:
            sample.gt_sem_seg = PixelData(data=mask)
        return dict(inputs=mask.expand(3, -1, -1) * 200, data_samples=sample)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    own = {kind.__name__: kind for kind in (ListOfFiles, InMemory)}
    monkeypatch.setattr(DATASETS, '_module_dict', {**DATASETS._module_dict, **own})


def with_test(config: LoadedConfig, dataset: Any) -> LoadedConfig:
    """Return a config that tests, validates and trains on a data set."""
    for stage in ('train', 'val', 'test'):
        config.resolved[f'{stage}_dataloader']['dataset'] = dataset
    config.resolved.experiment_name = 'own'
    return config


def datasets(plain: dict) -> dict[str, tuple[dict, list[str]]]:
    """Return each data set, and the names of its first images."""
    plain = {**plain, 'indices': 2}
    other = {**plain, 'split': 'val', 'border': 'background'}
    files = dict(
        type='ListOfFiles',
        data_root=plain['data_root'],
        pipeline=plain['pipeline'],
        test_mode=True,
    )
    return {
        'concatenated': (dict(type='ConcatDataset', datasets=[plain, other]), []),
        'the same twice': (dict(type='ConcatDataset', datasets=[plain, plain]), []),
        'repeated': (dict(type='RepeatDataset', dataset=plain, times=2), []),
        'list of files': (files, []),
        'in memory': (dict(type='InMemory'), ['0', '1', '2']),
    }


NAMES = ['concatenated', 'the same twice', 'repeated', 'list of files', 'in memory']


@pytest.mark.parametrize('name', NAMES)
def test_it_is_scored_and_shown(name: str, sample: Path, checkpoint: Path, tmp_path: Path) -> None:
    config = load_config(CONFIG, tiny_options(sample))
    dataset, _ = datasets(config.resolved.test_dataloader['dataset'].to_dict())[name]
    config = with_test(config, dataset)
    whole = name == 'concatenated'
    result = score(config, str(checkpoint), str(tmp_path / 'out'), quick=not whole)
    assert result is not None and describe(result)
    rows = read_rows(tmp_path / 'out' / 'per_image.csv')
    length = 3 if name in ('list of files', 'in memory') else 4
    assert len({row['id'] for row in rows}) == len(rows) == result['num_images'] == length
    masks = {path.stem for path in (tmp_path / 'out' / 'masks').iterdir()}
    assert masks == {row['id'] for row in rows}
    written = json.loads((tmp_path / 'out' / 'metrics.json').read_text())
    assert written['dataset'] and isinstance(written['split'], str)
    if name == 'concatenated':
        assert written['split'] == 'test + val' and written['border'] == 'foreground + background'
        assert written['image_size'] == SIDE
    if name in ('the same twice', 'repeated'):
        assert [row['tp'] for row in rows[:2]] == [row['tp'] for row in rows[2:]]
    surveys = browse(config, tmp_path / 'sheet.png', 'test', number=4)
    assert [len(one.heights) for one in surveys] == [length] * 3
    assert 0 < surveys[2].foreground.mean() < 1 and surveys[2].lines()


def test_what_a_prediction_and_an_export_take_of_it(sample: Path) -> None:
    config = load_config(CONFIG, tiny_options(sample))
    plain = config.resolved.test_dataloader['dataset'].to_dict()
    both, _ = datasets(plain)['concatenated']
    assert pipeline_of(both) == plain['pipeline'] and len(held_datasets(both)) == 2
    for split, images in (('test', 4), ('train', 4)):
        found = list(real_batches(with_test(config, both).resolved, split, 8))
        assert sum(len(pair[0]) for pair in found) == images
    without = changed(both, cache=False, pipeline=[], n_aug=0, nothing_like_it=1)
    assert all(
        one['pipeline'] == [] and 'nothing_like_it' not in one for one in without['datasets']
    )
    assert changed(dict(type='InMemory'), cache=False) == dict(type='InMemory')
    assert described(dict(type='InMemory'), 'split') == ''


def test_a_data_set_holds_its_names(sample: Path) -> None:
    plain = load_config(CONFIG, tiny_options(sample)).resolved.test_dataloader['dataset'].to_dict()
    twice = SeededDataset.build(datasets(plain)['the same twice'][0])
    assert twice.names[2:] == [f'{name}_2' for name in twice.names[:2]]
    assert [twice[i]['data_samples'].sample_id for i in range(4)] == twice.names
    assert twice.positions()[twice.names[3]] == 3
    assert SeededDataset.build(dict(type='InMemory'))[1]['data_samples'].sample_id == '000001'


@pytest.mark.parametrize('name', ['concatenated', 'list of files'])
def test_its_statistics(
    name: str, sample: Path, run_tool_here: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    import custom_modules.config as package

    config = load_config(CONFIG, tiny_options(sample))
    dataset, _ = datasets(config.resolved.test_dataloader['dataset'].to_dict())[name]
    config = with_test(config, dataset)
    monkeypatch.setattr(package, 'load_config', lambda *_: config)
    done = run_tool_here('dataset_statistics.py', CONFIG)
    assert done.returncode == 0, done.stderr
    images = 4 if name == 'concatenated' else 3
    assert f'{images} images of {sample}, RGB' in done.stdout and 'mean=[' in done.stdout


def test_mistakes_are_named(sample: Path, checkpoint: Path, tmp_path: Path) -> None:
    config = load_config(CONFIG, tiny_options(sample))
    unlabelled = with_test(config, dict(type='InMemory', labelled=False))
    with pytest.raises(UserError, match=r'1\.raw: has no ground truth, .* tools/predict\.py'):
        score(unlabelled, str(checkpoint), str(tmp_path / 'out'), quick=True)
    with pytest.raises(UserError, match=r'1\.raw: has no ground truth'):
        browse(unlabelled, tmp_path / 'sheet.png', 'test')
