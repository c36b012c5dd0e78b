"""What a sweep is made of: experiments, each one training and its test in a folder of its own."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..base.errors import UserError, did_you_mean
from ..base.json_file import read_json, write_json
from ..base.paths import PROJECT_ROOT, resolve_path, short_path
from ..config import load_config
from ..config.differences import differences
from ..config.inheritance import assigned, bases
from ..config.python_file import read_python_config
from ..config.written import parse_code
from ..engine.training_check import check_training
from ..runs.run_folder import find_run
from ..runs.scalars import read_epochs
from ..runs.scored_run import results_folder

#: Configs of the studies, and the budgets they can be run at.
STUDIES = PROJECT_ROOT / 'configs' / 'studies'
BUDGETS = STUDIES / 'budget'

#: What all configs of a study inherit; it is no experiment itself.
BASE = '_base_.py'

#: What an experiment was run with, and the name of that file in older folders.
_FACTS, _OLD_FACTS = 'experiment.json', 'cell.json'

#: Variables that say how a training runs and not what it finds.
_HOW = {'num_workers', 'cache', 'picture_interval', 'vis_backends', 'device', 'env_cfg'}


@dataclass(frozen=True)
class Experiment:
    """One training and its test.

    Attributes:
        study: folder of the config, or the config's name where it belongs to no study.
        name: name of the experiment in its study: config, grid values, seed.
        config: path of the config file.
        options: ``--cfg-options`` of the training and of the test.
        seed: seed of the training.
        folder: folder of its runs.
        written: the merged config with the options applied, as data.
        total: number of epochs, or of steps, that the training is to have.
        unit: what it is counted in, 'epoch' or 'step'.
        weights: name of the weights of the training that are tested.
        keeps_masks: whether the test keeps masks and probabilities, in ``test`` of the run.
    """

    study: str
    name: str
    config: Path
    options: tuple[str, ...]
    seed: int
    folder: Path
    written: Mapping[str, Any]
    total: int
    unit: str = 'epoch'
    weights: str = 'best.pth'
    keeps_masks: bool = False

    def run(self) -> Path | None:
        """Return the folder of its training; None before there is anything to go on with."""
        try:
            return find_run(self.folder)
        except UserError:
            return None

    def results(self) -> Path | None:
        """Return the folder with ``metrics.json``; None before the test."""
        run = self.run()
        return None if run is None else results_folder(run)

    def epochs_so_far(self) -> dict[int, dict[str, float]]:
        """Return the metrics of each whole epoch of its training, as ``read_epochs`` does."""
        run = self.run()
        try:
            return {} if run is None else read_epochs(run)
        except UserError:  # no whole epoch yet
            return {}

    def mark(self) -> None:
        """Note in the folder what the experiment is run with."""
        facts = dict(config=str(self.config), options=self.options, seed=self.seed)
        write_json(self.folder / _FACTS, facts | dict(written=self.written))

    def check(self) -> None:
        """Make sure that the folder does not hold runs of another config.

        One that has no checkpoint yet holds nothing to keep, and a config that only runs in another
        way, such as with more workers, is the same.

        Raises:
            UserError: the folder holds runs of another config; the message names the first
                difference.
        """
        paths = [self.folder / _FACTS, self.folder / _OLD_FACTS]
        path = next((one for one in paths if one.is_file()), None)
        if path is None:
            return
        try:
            old = begun_with(read_json(path), path)
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f'{path}: cannot be read ({error}); remove {self.folder}') from None
        found = differences(old, self.written)
        changed = [one for one in found if one[0].split('.')[0] not in _HOW]
        if changed and self.run() is not None:
            key, before, after = changed[0]
            raise UserError(
                f'{self.folder} was run with another config: {key} was {before}, is {after}; '
                'remove the folder or choose another --work-dir'
            )


def begun_with(facts: Mapping[str, Any], source: Path) -> dict[str, Any]:
    """Return the merged config that an experiment or a search was begun with, as data.

    Older versions noted the text of a config file, which is parsed.

    Raises:
        UserError: the text is more than names and plain values.
        KeyError, TypeError: ``facts`` hold neither a merged config nor a text.
    """
    if 'written' not in facts:
        return parse_code(facts['text'], str(source))
    if not isinstance(facts['written'], dict):
        raise TypeError('written is no config')
    return facts['written']


def find_configs(arguments: Sequence[str]) -> list[Path]:
    """Return the configs that the command line names: files, and folders with all they hold.

    Raises:
        UserError: there is no such file or folder, or a folder holds no config.
    """
    configs = []
    for argument in arguments:
        path = resolve_path(argument)
        if not path.exists():
            near = did_you_mean(path.name, [study.name for study in STUDIES.iterdir()])
            raise UserError(f'{argument}: there is no such config or folder{near}')
        found = [path] if path.is_file() else leaves(path)
        if not found:
            raise UserError(f'{argument}: no config lies in this folder; see configs/studies/')
        configs += [file.resolve() for file in found]
    return list(dict.fromkeys(configs))


def leaves(folder: Path) -> list[Path]:
    """Return the configs of a study, the one all are compared with first."""
    return sorted(folder.glob('[!_]*.py'), key=lambda file: (not changes_nothing(file), file.name))


def changes_nothing(config: Path) -> bool:
    """Return whether a config of a study is its base by another name."""
    return bases(config) == [config.parent / BASE] and assigned(config) <= {'_base_'}


def find_budget(name: str) -> Path:
    """Return the file of a budget: its name in ``configs/studies/budget``, or a path.

    Raises:
        UserError: there is no such budget.
    """
    known = {path.stem: path for path in sorted(BUDGETS.glob('*.py'))}
    path = known.get(name, resolve_path(name))
    if not path.is_file():
        raise UserError(
            f'--budget {name}: there is no such budget; use one of {", ".join(known)} or a file'
        )
    return path


def parse_grid(arguments: Sequence[str]) -> dict[str, list[str]]:
    """Return the values of each key of ``--grid key=v1,v2``; commas in brackets do not part.

    Raises:
        UserError: an argument is not of the form ``key=v1,v2``, or a key or value comes twice.
    """
    grid: dict[str, list[str]] = {}
    for argument in arguments:
        key, equals, text = argument.partition('=')
        values = [value for value in re.split(r',(?![^\[(]*[\])])', text) if value]
        if not (key and equals and values) or key in grid or len({*values}) < len(values):
            raise UserError(f'--grid {argument}: write key=value1,value2 with each of them once')
        grid[key] = values
    return grid


def plan(
    configs: Sequence[Path],
    work_dir: Path,
    grid: Mapping[str, Sequence[str]] | None = None,
    seeds: Sequence[int] | None = None,
    budget: Path | None = None,
    options: Sequence[str] = (),
) -> list[Experiment]:
    """Return an experiment for each config, grid value and seed.

    A budget gives way to what the configs of the study set themselves, and both to ``options`` and
    grid.

    Args:
        configs: paths of config files, as ``find_configs`` returns them.
        work_dir: folder in which the experiments lie, in ``<work_dir>/<study>/<experiment>``.
        grid: dotted key of the config -> values to try.
        seeds: seeds of the trainings; None takes the config's own.
        budget: path of the budget's file, as ``find_budget`` returns it; None for none.
        options: changes of the config, ``key=value``, for all experiments.

    Raises:
        UserError: a config does not load or cannot be trained, or counts what the budget does not,
            or two experiments have one name.
    """
    experiments: dict[Path, Experiment] = {}
    axes = [[f'{key}={value}' for value in values] for key, values in (grid or {}).items()]
    for config in configs:
        common = [*_budget_options(budget, config), *options]
        own_seed = _seed(load_config(config, common).resolved)
        study = config.parent.name if (config.parent / BASE).is_file() else config.stem
        for point in itertools.product(*axes):
            for seed in seeds or [own_seed]:
                words = (*common, *point, f'seed={seed}')
                loaded = load_config(config, words)
                name = ','.join([config.stem, *point, f'seed={seed}'])
                try:
                    check_training(loaded.resolved)
                except UserError as error:
                    raise UserError(f'{study}/{name}: {error}') from None
                folder = work_dir / study / re.sub(r'[^\w.,=+-]', '_', name)
                if folder in experiments:
                    raise UserError(
                        f'two experiments are called {study}/{name}; name each config once'
                    )
                cfg = loaded.resolved.train_cfg
                unit = 'step' if 'max_iters' in cfg else 'epoch'
                total = int(cfg['max_iters' if unit == 'step' else 'max_epochs'])
                experiments[folder] = Experiment(
                    study, name, config, words, seed, folder, loaded.data, total, unit
                )
    return list(experiments.values())


def _seed(config: Config) -> int:
    seed = config.get('randomness', {}).get('seed')
    return 0 if seed is None else int(seed)


def _budget_options(budget: Path | None, config: Path) -> list[str]:
    """Return the budget as ``key=value``, without what the configs of the study set."""
    if budget is None:
        return []
    merged, layers = read_python_config(config)
    own = {
        key
        for layer in layers
        if layer.file and layer.file.resolve().parent == config.parent
        for key in layer.values
    }
    values = read_python_config(budget)[0].to_dict()
    steps = 'max_iters' in merged.get('train_cfg', {})
    length, other = ('max_iters', 'max_epochs') if steps else ('max_epochs', 'max_iters')
    if other in values and other not in own:
        raise UserError(
            f'{short_path(config)}: its training is as long as {length} says, and {budget.stem} '
            f'sets {other} = {values[other]}; write a budget of your own, a file with the lines of '
            f'{short_path(budget)} and {length} instead, and give it: --budget FILE'
        )
    return [
        f'{key}={_as_option(value)}'
        for name, item in values.items()
        if name not in own
        for key, value in _flat(name, item)
    ]


def _flat(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(f'{key}.{name}', item)
    else:
        yield key, value


def _as_option(value: Any) -> str:
    return str(value).replace(' ', '') if isinstance(value, list | tuple) else str(value)
