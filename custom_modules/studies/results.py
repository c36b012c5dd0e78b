"""What a study found: a row for each run, as ``results/studies/<question>.json`` keeps it."""

import ast
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..base.json_file import read_json, write_json
from ..base.paths import short_path
from ..base.records import count, items, mapping, nothing, number, one_of, record, text
from ..config.differences import ABSENT, differences
from ..config.keys import RUNNER_KEYS
from ..evaluation.metric_table import METRIC_TABLE, over_epochs
from ..evaluation.own_metrics import as_data, from_data, metrics_of
from ..runs.comparison import compare
from ..runs.metrics_json import METRIC_CHECKS, PROTOCOL
from ..runs.scalars import read_epochs, unit_of
from ..runs.scored_run import ScoredRun, read_scored
from ..visualization.curves import STYLES
from .experiments import BASE, Experiment, changes_nothing
from .seeds import without_seed

_INTERVAL = items(number(), 2)
_DIFFERENCE = one_of(
    record(('reason',), reason=text(10_000)),
    record(
        ('Dice', 'interval'),
        Dice=number(-1, 1),
        interval=_INTERVAL,
        deviation=one_of(nothing, number(0)),
    ),
)
_CURVE = items(one_of(nothing, number()))


def _curves(value: Any, place: str) -> None:
    record(
        ('train/loss',),
        **{
            f'{stage}/{info.scalar}': items(one_of(nothing, METRIC_CHECKS[name]))
            for name, info in METRIC_TABLE.items()
            for stage in STYLES
        },
    )(value, place)
    mapping(_CURVE)(value, place)
    if len({len(curve) for curve in value.values()}) > 1:
        raise ValueError(f'{place} has curves of different lengths')


def _metrics(value: Any, place: str) -> None:
    record(('Dice', 'IoU'), **METRIC_CHECKS)(value, place)
    mapping(number())(value, place)


def _own(value: Any, place: str) -> None:
    try:
        from_data(value)
    except UserError as error:
        raise ValueError(f'{place}: {error}') from None


#: Of a training that is counted in steps.
_STEPS = ('steps', 'max_steps')

_ROW = record(
    (
        *('experiment', 'value', 'budget', 'options', 'seed', 'metrics', 'interval', 'difference'),
        *('curves', 'num_images', 'epochs', 'max_epochs', 'minutes', 'precision', 'device'),
        *PROTOCOL,
    ),
    **dict.fromkeys(('experiment', 'budget', 'device', 'precision', 'split', 'border'), text()),
    options=items(text()),
    metrics=_metrics,
    own_metrics=_own,
    interval=one_of(nothing, _INTERVAL),
    difference=one_of(nothing, _DIFFERENCE),
    curves=_curves,
    **dict.fromkeys(('num_images', 'epochs', 'max_epochs'), count()),
    **dict.fromkeys(_STEPS, count()),
    validated_at=items(count()),
    minutes=number(0),
)
_STUDY = record(('study', 'question', 'base', 'rows'), study=text(), base=text(), rows=items(_ROW))


def study_results(experiments: Sequence[Experiment], budget: str) -> dict[str, Any]:
    """Return what the experiments of one study found.

    A row holds the value's description, what its config changes against the base's, seed, budget,
    metrics with the interval of the Dice, epochs, time, what it was measured on, and the paired
    difference of the Dice against the base run of the same seed, with its interval.

    Args:
        experiments: experiments of one study; those without a test are named as ``missing``.
        budget: name of the budget.

    Raises:
        UserError: the results of an experiment cannot be read.
    """
    tested = {
        experiment.name: run
        for experiment in experiments
        if (run := experiment.results()) is not None
    }
    scored = {
        experiment.name: read_scored(experiment.name, tested[experiment.name])
        for experiment in experiments
        if experiment.name in tested
    }
    base = next(
        (experiment for experiment in experiments if changes_nothing(experiment.config)),
        experiments[0],
    )
    rows = [
        _row(experiment, base, scored, _same_seed(experiments, base, experiment), budget)
        for experiment in experiments
        if experiment.name in scored
    ]
    question, text = describe_study(experiments[0].config.parent)
    return dict(
        study=experiments[0].study,
        question=question,
        report=text,
        base=base.config.stem,
        rows=rows,
        missing=[experiment.name for experiment in experiments if experiment.name not in scored],
    )


def keep_results(results: dict[str, Any], path: Path) -> None:
    """Write the results of a study; rows of other budgets that the file has stay in it.

    Raises:
        UserError: the file that is there does not hold the results of a study.
    """
    budgets = {row['budget'] for row in results['rows']}
    old = read_study(path)['rows'] if path.exists() else []
    rows = [*results['rows'], *(row for row in old if row['budget'] not in budgets)]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, results | dict(rows=rows), indent=1)


def read_study(path: Path) -> dict[str, Any]:
    """Return what ``results/studies/<question>.json`` holds.

    Raises:
        UserError: the file does not hold the results of a study.
    """
    found = _with_names_of_today(read_json(path))
    try:
        _STUDY(found, '')
    except ValueError as error:
        raise UserError(f'{path}: is of no study, {error}; run the study again') from None
    return found


def _with_names_of_today(found: Any) -> Any:
    """Return what a file holds; older ones say ``cell`` and ``figures``."""
    today = dict(cell='experiment', figures='metrics')
    rows = found.get('rows') if isinstance(found, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return found
    rows = [{today.get(key, key): value for key, value in row.items()} for row in rows]
    return found | dict(rows=rows)


def describe_study(folder: Path) -> tuple[str, str]:
    """Return a study's question and what the report says, from the doc string of its base."""
    base = folder / BASE
    if not base.is_file():
        return folder.name, ''
    first, _, rest = describe_config(base).partition('\n')
    return first, rest.strip()


def describe_config(config: Path) -> str:
    """Return the doc string of a config."""
    return ast.get_docstring(ast.parse(config.read_text(encoding='utf-8'))) or config.stem


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs between two merged configs: dotted key -> the value of the second.

    A variable that only one of them has is left out: what uses it differs too. So is the seed.
    """
    found = {}
    for key, before, after in differences(old, new):
        spare = ABSENT in (before, after) and '.' not in key and key not in RUNNER_KEYS
        if key != 'seed' and not spare:
            found[key] = after
    return found


def _same_seed(
    experiments: Sequence[Experiment], base: Experiment, experiment: Experiment
) -> Experiment | None:
    """Return what an experiment is compared with, which has its seed; None for the base itself.

    That is the base config at the same point of the grid; of the base config its first point.
    """
    names = {one.name: one for one in experiments}
    same_point = base.config.stem + experiment.name.removeprefix(experiment.config.stem)
    if same_point == experiment.name:
        same_point = f'{without_seed(base.name)},seed={experiment.seed}'
    return names.get(same_point) if same_point != experiment.name else None


def _row(
    experiment: Experiment,
    base: Experiment,
    scored: dict[str, ScoredRun],
    other: Experiment | None,
    budget: str,
) -> dict[str, Any]:
    run = scored[experiment.name]
    metrics = run.metrics
    training = metrics['training']
    epochs = read_epochs(run.folder)
    kept = [info for info in metrics_of([metrics]) if info.level != 'detail']
    own = as_data({info.name: info for info in kept if info.name not in METRIC_TABLE})
    watched = [info.scalar for info in over_epochs(kept) if info.level == 'headline']
    names = [f'{stage}/{name}' for name in watched for stage in STYLES]
    return dict(
        experiment=experiment.name,
        config=short_path(str(experiment.config)),
        value=describe_config(experiment.config),
        changes=changes(base.written, experiment.written),
        seed=experiment.seed,
        budget=budget,
        options=list(experiment.options),
        commit=training['commit'],
        device=training['device'],
        precision=training['precision'],
        **{key: metrics[key] for key in PROTOCOL},
        num_images=metrics['num_images'],
        metrics={info.name: metrics[info.name] for info in kept},
        **(dict(own_metrics=own) if own else {}),
        interval=metrics.get('intervals', {}).get('Dice'),
        borders={policy: row['Dice'] for policy, row in metrics.get('borders', {}).items()},
        epochs=training['epochs'],
        max_epochs=training['max_epochs'],
        **({key: training[key] for key in _STEPS if key in training}),
        **(dict(validated_at=[*epochs]) if unit_of(epochs) == 'step' else {}),
        minutes=training['minutes'],
        difference=_difference(scored, other, run),
        curves={
            name: [row.get(name) for row in epochs.values()]
            for name in names
            if any(name in row for row in epochs.values())
        },
    )


def _difference(
    scored: dict[str, ScoredRun], base: Experiment | None, run: ScoredRun
) -> dict[str, Any] | None:
    """Return the paired difference of the Dice; None where there is nothing to compare with."""
    if base is None or base.name not in scored:
        return None
    try:
        comparison = compare(scored[base.name], run)
    except UserError as error:  # such as another ground truth
        return dict(reason=str(error))
    dice = next(row for row in comparison.metrics if row.metric == 'Dice')
    needed = comparison.needed
    return dict(
        base=base.name,
        Dice=dice.second - dice.first,
        interval=[dice.low, dice.high],
        verdict=dice.verdict,
        deviation=needed.deviation if math.isfinite(needed.deviation) else None,
    )
