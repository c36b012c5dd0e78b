"""``exclude``: images that a list takes out of a data set, in whichever split they are."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from mmengine.registry import DATASETS

from custom_modules.base.errors import UserError
from custom_modules.commands.publish import _without_lists
from custom_modules.commands.test import test as score
from custom_modules.config import load_config
from custom_modules.config.untrusted import read_data_config
from custom_modules.datasets import BinaryMaskDataset, OxfordPetDataset
from custom_modules.datasets.binary_seg_dataset import BinarySegDataset
from custom_modules.datasets.listed_pairs import ListedPairsDataset
from custom_modules.datasets.pairs_table import PairRow, write_pairs_table
from custom_modules.datasets.seeded_dataset import SeededDataset
from custom_modules.runs.metrics_text import describe, excluded_images
from tests.conftest import tiny_options
from tests.corpus.splits import STEMS, write_pairs

CONFIG = 'configs/sample/unet_sample.py'

Build = Callable[..., BinarySegDataset]


def _own(folder: Path, sample: Path) -> Build:  # noqa: ARG001
    write_pairs(folder, STEMS)
    return lambda **arguments: BinaryMaskDataset(str(folder), **arguments)


def _pets(folder: Path, sample: Path) -> Build:  # noqa: ARG001
    return lambda **arguments: OxfordPetDataset(str(sample), **arguments)


def _table(folder: Path, sample: Path) -> Build:  # noqa: ARG001
    write_pairs(folder, STEMS)
    splits = ['train'] * 6 + ['val'] * 2 + ['test'] * 2
    pairs = zip(STEMS, splits, strict=True)
    rows = [PairRow(f'images/{stem}.jpg', f'masks/{stem}.png', split) for stem, split in pairs]
    write_pairs_table(folder / 'pairs.csv', rows)
    return lambda **arguments: ListedPairsDataset(
        str(folder), str(folder / 'pairs.csv'), **arguments
    )


#: How each class that can be named in a config is built; a new one needs a line here.
CLASSES = dict(BinaryMaskDataset=_own, OxfordPetDataset=_pets, ListedPairsDataset=_table)


def write(path: Path, ids: Iterable[str]) -> str:
    path.write_text(''.join(f'{name}  # inverted: why\n' for name in ids))
    return str(path)


def names(dataset: BinarySegDataset) -> list[str]:
    return [dataset.get_data_info(i)['sample_id'] for i in range(len(dataset))]


def test_each_class_has_a_row_above() -> None:
    ours = {
        name
        for name, kind in DATASETS.module_dict.items()
        if issubclass(kind, BinarySegDataset) and kind.__module__.startswith('custom_modules.')
    }
    assert ours == set(CLASSES)


@pytest.mark.parametrize('name', CLASSES)
def test_a_list_takes_images_out_of_every_split(name: str, sample: Path, tmp_path: Path) -> None:
    (tmp_path / 'data').mkdir()
    build = CLASSES[name](tmp_path / 'data', sample)
    splits = ('train', 'val', 'test')
    before = {split: names(build(split=split)) for split in splits}
    chosen = [before['train'][0], before['train'][-1], before['test'][0]]
    left_over = {split: [n for n in before[split] if n not in chosen] for split in splits}
    if not left_over['test']:
        chosen.pop()
        left_over['test'] = before['test']
    path = write(tmp_path / 'list.txt', chosen)
    for split in splits:
        dataset = build(split=split, exclude=path)
        assert names(dataset) == left_over[split]
        assert dataset.num_excluded == len(before[split]) - len(left_over[split])
        assert SeededDataset(dataset).num_excluded == dataset.num_excluded
    # Numbers of a config count what is left.
    assert names(build(split='train', exclude=path, indices=1)) == left_over['train'][:1]
    with pytest.raises(UserError, match="1 ids are in no split of the data set: 'nobody'"):
        build(split='train', exclude=write(tmp_path / 'wrong.txt', ['nobody']))
    with pytest.raises(UserError, match=f'leaves out {len(before["val"])} of .*leave some in'):
        build(split='val', exclude=write(tmp_path / 'all.txt', before['val']))


def test_a_class_of_ones_own_that_does_not_say_its_ids(tmp_path: Path) -> None:
    class Own(BinarySegDataset):
        split = 'train'

        def load_data_list(self) -> list[dict]:
            return [dict(sample_id='a')]

    assert len(Own()) == 1
    with pytest.raises(
        UserError, match=r'Own does not say which ids it has; .* set self\.known_ids'
    ):
        Own(exclude=write(tmp_path / 'list.txt', ['a']))


def test_data_sets_that_are_held_together_count_together(sample: Path, tmp_path: Path) -> None:
    plain = dict(type='OxfordPetDataset', data_root=str(sample), split='test')
    first = names(DATASETS.build(plain))[:2]
    excluded = plain | dict(exclude=write(tmp_path / 'list.txt', first))
    both = dict(type='ConcatDataset', datasets=[plain, dict(excluded)])
    assert SeededDataset.build(both).num_excluded == 2
    assert SeededDataset.build(dict(type='RepeatDataset', dataset=excluded, times=3)).num_excluded


def test_a_result_says_how_many(sample: Path, checkpoint: Path, tmp_path: Path) -> None:
    plain = load_config(CONFIG, tiny_options(sample))
    first = names(DATASETS.build(plain.resolved.test_dataloader['dataset']))[:2]
    path = write(tmp_path / 'list.txt', first)
    config = load_config(CONFIG, tiny_options(sample, f'exclude={path}'))
    result = score(config, str(checkpoint), str(tmp_path / 'out'), quick=True)
    assert result is not None and result['num_excluded'] == 2
    assert 'images that exclude left out: 2 of the test' in describe(result)
    assert excluded_images(dict(training=dict(num_excluded=7), num_excluded=1)) == (
        'images that exclude left out: 7 of the training, 1 of the test'
    )
    assert excluded_images(dict(training=None)) == ''


def test_a_published_model_names_no_list(sample: Path, tmp_path: Path) -> None:
    path = write(tmp_path / 'list.txt', ['nobody'])
    config = load_config(CONFIG, tiny_options(sample, f'exclude={path}'))
    written = tmp_path / 'config.json'
    written.write_text(json.dumps(_without_lists(config.data)))
    assert path in json.dumps(config.data) and path not in written.read_text()
    # The variable is still there, and None.
    assert read_data_config(written)['exclude'] is None
    assert load_config(written).resolved.test_dataloader['dataset']['exclude'] is None
