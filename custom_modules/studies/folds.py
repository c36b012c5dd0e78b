"""Cross-validation: what the trainings of a sweep are where each leaves out another part."""

import csv
import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine.registry import DATASETS

from ..base.csv_cells import as_cell
from ..base.errors import UserError
from ..base.paths import make_writable
from ..base.whole_file import whole_file
from ..config import load_config
from ..config.held_datasets import HOLDS, changed, held_datasets
from ..config.signatures import parameters
from ..config.stages import require_stage
from ..datasets.folds import group_of
from ..runs.cross_validation import DIVISION, FOLDS
from ..runs.run_folder import LAST
from .experiments import Experiment

#: Loaders of a config whose data sets are divided, the training's first.
_LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')

#: What the data sets of the loaders may have of their own.
_OF_A_LOADER = {'split', 'pipeline', 'test_mode', 'cache', 'n_aug', 'unreadable', 'lazy_init'} | {
    *('fold', 'indices', 'subset', 'subset_seed', 'serialize_data')
}


@dataclass(frozen=True)
class HeldOut:
    """An image, and the fold that holds it out.

    Attributes:
        id: id of the image.
        group: group of the image, which is held out as a whole; the id where it is by itself.
        fold: number of the fold, from 0.
    """

    id: str
    group: str
    fold: int


@dataclass(frozen=True)
class CrossValidation:
    """Trainings of one config, each without another part of the images of train and val.

    Attributes:
        whole: experiment whose images are divided; its folder is that of the cross-validation.
        folds: experiment of each fold, whose test is of the images that it held out.
        division: images and the folds that hold them out.
    """

    whole: Experiment
    folds: tuple[Experiment, ...]
    division: tuple[HeldOut, ...]

    @property
    def folder(self) -> Path:
        """Folder of the cross-validation."""
        return self.whole.folder

    def check(self) -> None:
        """Make sure that the folds in the folder are of the same images.

        Raises:
            UserError: images came or went since a fold was begun.
        """
        path = self.folder / DIVISION
        if not path.is_file() or not any(fold.run() for fold in self.folds):
            return
        before, now = set(path.read_text(encoding='utf-8').splitlines()), set(_lines(self.division))
        if before != now:
            first = min((before ^ now) - {''})
            raise UserError(
                f'{self.folder}: its folds are of other images than there are now '
                f'({len(now - before):,} lines of {DIVISION} are new, {len(before - now):,} gone, '
                f'such as {first[:80]!r}); remove the folder or choose another --work-dir'
            )

    def mark(self) -> None:
        """Write which image is held out by which fold."""
        make_writable(self.folder, '--work-dir')
        with whole_file(self.folder / DIVISION) as file:
            file.write('\n'.join(_lines(self.division)) + '\n')


def plan_folds(experiment: Experiment, number: int) -> CrossValidation:
    """Return the cross-validation of an experiment.

    Args:
        experiment: experiment with the images of its config, as ``plan`` returns it.
        number: number of folds.

    Raises:
        UserError: there are fewer than two folds, or fewer groups of images than folds; the config
            has no test, its loaders are of several data sets, or leave images out.
    """
    if number < 2:
        raise UserError(f'--folds {number}: use 2 or more, such as 5')
    where = f'{experiment.study}/{experiment.name}: --folds {number}'
    config = load_config(experiment.config, experiment.options).resolved
    require_stage(config, 'test', config.filename)
    places = _places(config, where)
    division = _division(places['train_dataloader'][1], number, where)
    whole = replace(
        experiment,
        name=f'{experiment.name},folds={number}',
        folder=experiment.folder.with_name(f'{experiment.folder.name},folds={number}'),
    )
    folds = []
    for fold in range(number):
        options = [*experiment.options]
        for loader, (place, _) in places.items():
            split = 'train' if loader == 'train_dataloader' else 'val'
            options += [f'{place}.split={split}', f'{place}.fold=({fold},{number})']
        folds.append(
            replace(
                whole,
                name=f'{whole.name}/{fold}',
                options=tuple(options),
                folder=whole.folder / FOLDS / str(fold),
                written=load_config(experiment.config, options).data,
                weights=LAST,
                keeps_masks=True,
            )
        )
    return CrossValidation(whole, tuple(folds), division)


def with_held_out(written: Mapping[str, Any], folds: Sequence[Experiment]) -> dict[str, Any]:
    """Return a config whose test is of all images that are held out, for those who look at them.

    Args:
        written: merged config of the cross-validation, its variables in place.
        folds: experiments of the folds.
    """
    parts = [fold.written['test_dataloader']['dataset'] for fold in folds]
    loader = written['test_dataloader'] | dict(dataset=dict(type='ConcatDataset', datasets=parts))
    return {**written, 'test_dataloader': loader}


def _places(config: Mapping[str, Any], where: str) -> dict[str, tuple[str, Mapping[str, Any]]]:
    """Return loader -> place and settings of its data set, which is the same in all of them."""
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for loader in _LOADERS:
        if not config.get(loader):  # a training may do without a validation
            continue
        place, dataset = f'{loader}.dataset', config[loader]['dataset']
        if len(held_datasets(dataset)) > 1:
            raise UserError(f'{where}: divides one data set, and {place} holds several')
        while inner := [key for key in HOLDS if key in dataset]:
            several = isinstance(dataset[inner[0]], list | tuple)
            place += f'.{inner[0]}' + ('.0' if several else '')
            dataset = dataset[inner[0]][0] if several else dataset[inner[0]]
        kind = DATASETS.get(dataset['type'])
        if 'fold' not in (parameters(kind) or ()):
            raise UserError(
                f'{where}: {dataset["type"]} cannot be divided; let it inherit from '
                'BinarySegDataset'
            )
        for key in ('indices', 'subset') if loader != 'train_dataloader' else ():
            if dataset.get(key) is not None:
                raise UserError(
                    f'{where}: {place}.{key} = {dataset[key]!r} would leave out images that are '
                    'held out; remove it'
                )
        found[loader] = place, dataset
    of_training = found['train_dataloader'][1]
    for place, dataset in found.values():
        for key in sorted({*dataset, *of_training} - _OF_A_LOADER):
            if dataset.get(key) != of_training.get(key):
                raise UserError(
                    f'{where}: {place} is another data set than that of the training: {key} is '
                    f'{dataset.get(key)!r}, not {of_training.get(key)!r}'
                )
    return found


def _division(settings: Mapping[str, Any], number: int, where: str) -> tuple[HeldOut, ...]:
    """Return which image is held out by which fold, as the data set itself says it."""
    plain = changed(
        settings,
        **dict(split='val', pipeline=[], cache=False, n_aug=0, test_mode=True),
        **dict(serialize_data=False, indices=None, subset=None),
    )
    division = []
    for fold in range(number):
        try:
            with redirect_stdout(io.StringIO()):  # what it says is of each fold, and said there
                dataset = DATASETS.build({**plain, 'fold': (fold, number)})
        except UserError as error:
            raise UserError(f'{where}: {error}') from None
        entries = [dataset.get_data_info(index) for index in range(len(dataset))]
        division += [HeldOut(str(one['sample_id']), group_of(one), fold) for one in entries]
    return tuple(sorted(division, key=lambda one: one.id))


def _lines(division: Sequence[HeldOut]) -> list[str]:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator='\n')
    rows.writerow(('id', 'group', 'fold'))
    rows.writerows((as_cell(one.id), as_cell(one.group), one.fold) for one in division)
    return text.getvalue().splitlines()
