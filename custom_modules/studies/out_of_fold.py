"""What the folds of a cross-validation found: each image by the net that had not seen it."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import FileLock

from ..base.errors import UserError
from ..base.paths import make_writable, short_path
from ..config import load_config
from ..config.written import write_config
from ..datasets.list_file import some
from ..evaluation.breakdowns import GROUP
from ..evaluation.confusion import Confusion, summarise
from ..evaluation.from_rows import image_table, metrics_from_rows, shared_means
from ..evaluation.metric_table import METRIC_TABLE
from ..evaluation.own_metrics import as_data, own_of
from ..evaluation.probabilities import best_threshold
from ..runs.cross_validation import OUT_OF_FOLD
from ..runs.metrics_json import PROTOCOL
from ..runs.scored_run import ScoredRun, read_scored, write_results
from .folds import CrossValidation, with_held_out

#: What the tests of all folds have in common, and is kept of the first.
_COMMON = (
    *(*PROTOCOL, 'averaging', 'threshold', 'threshold_source', 'tta', 'boundary', 'cost'),
    *('device', 'torch', 'python', 'system', 'commit', 'dtype'),
)

#: Pictures that the test of a fold keeps.
_PICTURES = ('masks', 'probabilities')


def gather(validation: CrossValidation) -> Path | None:
    """Write what the folds found into ``out_of_fold``, and return that folder.

    It is the folder of a test as any other: ``metrics.json``, ``per_image.csv`` with the fold of
    each image, masks, probabilities, and a config whose test is of all these images.

    Args:
        validation: cross-validation, as ``plan_folds`` returns it.

    Returns:
        The folder; None where a fold is not done.

    Raises:
        UserError: the results of a fold cannot be read, or are of other images than it holds out.
    """
    tests = [fold.results() for fold in validation.folds]
    if None in tests:
        return None
    folder = validation.folder / OUT_OF_FOLD
    make_writable(folder, '--work-dir')
    # Jobs of Slurm end side by side: who reads last has to write last.
    with FileLock(validation.folder / '.lock'):
        scored = [read_scored(str(number), test) for number, test in enumerate(tests) if test]
        rows = _rows(validation, scored)
        validation.mark()
        whole = load_config(validation.whole.config, validation.whole.options)
        write_config(validation.folder, whole)
        write_config(folder, replace(whole, written=with_held_out(whole.written, validation.folds)))
        _keep_pictures(scored, folder)
        result = pooled([run.metrics for run in scored], rows)
        result |= dict(
            config=short_path(str(validation.whole.config)),
            checkpoint=short_path(str(validation.folder)),
            watched_by=watching(whole.resolved),
        )
        write_results(folder, result, rows)
    return folder


def pooled(tests: Sequence[dict[str, Any]], rows: Sequence[dict]) -> dict[str, Any]:
    """Return the metrics of all folds together, as ``metrics.json`` has those of one test.

    Args:
        tests: metrics of the test of each fold.
        rows: rows of ``per_image.csv`` of all images.
    """
    own = {name: info for name, info in own_of(tests).items() if info.column}
    means = shared_means(rows, own.values())
    table = image_table(rows, means)
    values = table.metrics(table.values.sum(0))
    numbers = [test['num_images'] for test in tests]
    losses = {
        name: sum(n * test[name] for n, test in zip(numbers, tests, strict=True)) / sum(numbers)
        for name, info in METRIC_TABLE.items()
        if info.better == 'less' and all(name in test for test in tests)
    }
    counts = [Confusion(row['tp'], row['fp'], row['fn'], row['tn']) for row in rows]
    result: dict[str, Any] = {key: tests[0][key] for key in _COMMON if key in tests[0]}
    result |= dict(
        split=f'out of {len(tests)} folds',
        folds=len(tests),
        weights='of the last epoch, which the images that were held out did not choose',
    )
    result |= {name: float(value) for name, value in values.items()} | losses
    result |= {name: value for name, value in summarise(counts).items() if name.startswith('num_')}
    known = {name: info for name, info in own.items() if name in values}
    result |= dict(own_metrics=as_data(known)) if known else {}
    result |= metrics_from_rows(rows, known.values())
    trainings = [test['training'] for test in tests if test.get('training')]
    if trainings:
        minutes = round(sum(training['minutes'] for training in trainings), 2)
        result['training'] = trainings[0] | dict(minutes=minutes, members=len(trainings))
    if all('curve' in test.get('validation', {}) for test in tests):
        result['validation'] = _thresholds([test['validation'] for test in tests])
    return result


def watching(config: Any) -> list[str]:
    """Return the parts of a config by which the images that a fold holds out steer its training.

    Args:
        config: resolved config of the cross-validation.
    """
    schedules = config.get('param_scheduler') or []
    hooks = [*(config.get('default_hooks') or {}).values(), *(config.get('custom_hooks') or [])]
    parts = [*([schedules] if isinstance(schedules, dict) else schedules), *filter(None, hooks)]
    kinds = [str(part.get('type')) for part in parts]
    return [kind for kind in kinds if 'ReduceOnPlateau' in kind or 'EarlyStopping' in kind]


def _thresholds(validations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the curve of Dice by threshold over the images of all folds."""
    numbers = [one['num_images'] for one in validations]
    curves = zip(*(one['curve']['Dice'] for one in validations), strict=True)
    mean = [
        sum(n * dice for n, dice in zip(numbers, column, strict=True)) / sum(numbers)
        for column in curves
    ]
    curve = dict(thresholds=validations[0]['curve']['thresholds'], Dice=mean)
    threshold, best = best_threshold(curve)
    split = f'out of {len(validations)} folds'
    return dict(
        split=split,
        num_images=sum(numbers),
        best_threshold=threshold,
        best_Dice=best,
        curve=curve,
    )


def _rows(validation: CrossValidation, scored: Sequence[ScoredRun]) -> list[dict]:
    """Return the rows of all images, with their fold, and their group where there are groups."""
    grouped = any(one.group != one.id for one in validation.division)
    held_out = {(one.fold, one.id): one.group for one in validation.division}
    tested = {(fold, name) for fold, run in enumerate(scored) for name in run.rows}
    wrong = sorted(name for _, name in tested ^ held_out.keys())
    if wrong:
        raise UserError(
            f'{validation.folder}: {len(wrong):,} images were tested by another fold than the one '
            f'that holds them out, or by none: {some(wrong)}; the data set has changed: remove the '
            'folder or choose another --work-dir'
        )
    rows = []
    for fold, run in enumerate(scored):
        for name, row in run.rows.items():
            group = {GROUP: held_out[fold, name]} if grouped else {}
            rows.append(row | dict(groups=row['groups'] | group | dict(fold=str(fold))))
    return rows


def _keep_pictures(scored: Sequence[ScoredRun], folder: Path) -> None:
    """Bring masks and probabilities together: as links to the same files, or copies of them."""
    for kind in _PICTURES:
        shutil.rmtree(folder / kind, ignore_errors=True)
        for run in scored:
            for name in run.rows:
                target = folder / kind / f'{name}.png'
                target.parent.mkdir(parents=True, exist_ok=True)
                source = run.folder / kind / f'{name}.png'
                try:
                    target.hardlink_to(source)
                except OSError:  # a file system without links
                    shutil.copyfile(source, target)
