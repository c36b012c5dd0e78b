"""From runs to one HTML page that needs nothing beside itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from .. import visualization
from ..base.errors import UserError
from ..base.paths import make_writable, short_path
from ..base.whole_file import whole_file
from ..evaluation.images_needed import describe_needed
from ..evaluation.metric_table import MetricInfo
from ..evaluation.own_metrics import metrics_of
from ..runs.comparison import Comparison, compare
from ..runs.metrics_text import excluded_images, input_size
from ..visualization.curves import COLOURS, panels, units
from . import charts
from .gallery import Gallery, Row
from .hand_in import BORDERS, links, tables_of, write_tables
from .run_data import ReportedRun
from .tables import Table

#: Break-down that every test has -> title of its chart; others are named by the data set.
QUESTIONS = {'size': 'Size of the foreground in the image', 'frame': 'The frame of the image'}

#: Groups in one chart; more go into charts beside it.
_ROWS = 14


@dataclass
class Pictures:
    """What the galleries show.

    Attributes:
        galleries: label of a run -> rows of its worst, median and best images.
        columns: titles of the pictures in a row of ``side``, ``better`` and ``worse``.
        side: rows of images with the predictions of all runs side by side.
        better: label of a run -> rows of the images that it improved most over the first run.
        worse: label of a run -> rows of the images that it worsened most.
        notes: lines that say which pictures are missing, and why.
    """

    galleries: dict[str, list[Row]] = field(default_factory=dict)
    columns: list[str] = field(default_factory=list)
    side: list[Row] = field(default_factory=list)
    better: dict[str, list[Row]] = field(default_factory=dict)
    worse: dict[str, list[Row]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def write_report(runs: Sequence[ReportedRun], path: Path) -> None:
    """Write the page, and its tables for a hand-in beside it.

    Args:
        runs: runs to show; all others are compared with the first.
        path: path of the HTML file to write.

    Raises:
        UserError: two runs were not tested on the same pixels, there are too many runs to tell
            apart, or ``path`` cannot be written.
    """
    if len(runs) > len(COLOURS):
        raise UserError(f'{len(runs)} runs: at most {len(COLOURS)} can be told apart')
    make_writable(path.resolve().parent, '--out')
    comparisons = _compare(runs)
    scored = [(run.label, run.scored.metrics) for run in runs if run.scored]
    notes = dict.fromkeys(f'{protocol(metrics)}.' for _, metrics in scored)
    tables = tables_of(scored, comparisons, [*notes])
    page = render(runs, comparisons, tables, path)
    write_tables(tables, path)
    with whole_file(path) as file:
        file.write(page)


def render(
    runs: Sequence[ReportedRun],
    comparisons: Sequence[Comparison],
    tables: Sequence[Table],
    path: Path,
) -> str:
    """Return the page as text.

    Args:
        runs: runs to show; all others are compared with the first.
        comparisons: comparisons of the runs with the first, as ``compare`` returns them.
        tables: tables that lie beside the page.
        path: path of the page, for the addresses of the tables.
    """
    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader(__package__, '.'), PackageLoader(visualization.__name__, 'templates')]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scored = [run for run in runs if run.scored]
    results = [run.scored.metrics for run in scored if run.scored]
    pictures = _pictures(scored, comparisons)
    return environment.get_template('template.html').render(
        title=' against '.join(run.label for run in runs),
        runs=runs,
        colours=['currentColor' if c == '#000000' else c for c in COLOURS],
        scored=[(runs.index(run), run.label, run.scored.metrics) for run in scored if run.scored],
        protocols=[protocol(run.scored.metrics) for run in scored if run.scored],
        metric_rows=_metric_rows(results),
        of_borders=_of_borders(results),
        cost=next((table for table in tables if table.name == 'cost'), None),
        border_policies=BORDERS,
        links=links(tables, path),
        comparisons=comparisons,
        describe_needed=describe_needed,
        names={info.name: info.title for info in metrics_of(results)},
        pause=Markup('_<wbr>'),
        curves=_curves(runs),
        progress=_progress(runs),
        breakdowns=_breakdowns(runs),
        probabilities=_probabilities(runs),
        pictures=pictures,
        notes=[(run.label, note) for run in runs for note in run.notes],
        configs=[(run.label, run.config_text()) for run in runs],
        commands=[(run.label, command) for run in runs for command in run.commands()],
        folders=[(run.label, short_path(run.folder)) for run in runs],
        environments=[(run.label, _environment(run)) for run in runs],
    )


def protocol(metrics: dict[str, Any]) -> str:
    """Return in a sentence how the metrics of a test came about."""
    parts = [
        f'{metrics.get("num_images", 0):,} images of the split {metrics["split"]!r} of '
        f'{metrics["dataset"]}',
        f'{metrics.get("num_empty", 0)} without foreground',
        f'network input {input_size(metrics)}, scored at the {metrics["resolution"]} resolution',
        f'threshold {metrics["threshold"]:g}',
    ]
    if excluded := excluded_images(metrics):
        parts.append(excluded)
    if metrics['border']:
        parts.insert(2, f'border = {metrics["border"]}')
    source = metrics.get('threshold_source', 'config')
    if source != 'config':
        parts[-1] += f' of {source}, tuned on validation'
    if metrics.get('tta'):
        scales = ', '.join(f'{scale:g}' for scale in metrics['tta']['scales'])
        parts.append(f'mean over mirrored images at scales {scales}')
    if 'dtype' in metrics:
        parts.append(str(metrics['dtype']))
    return ', '.join(parts)


def _compare(runs: Sequence[ReportedRun]) -> list[Comparison]:
    """Compare all runs with single images with the first of them."""
    tested = [run.scored for run in runs if run.scored and run.scored.rows]
    return [compare(tested[0], other) for other in tested[1:]]


def _metric_rows(results: Sequence[dict]) -> list[dict[str, Any]]:
    return [
        dict(
            name=info.title,
            cells=[
                (row.get(info.name), row.get('intervals', {}).get(info.name)) for row in results
            ],
        )
        for info in metrics_of(results)
    ]


def _of_borders(metrics: Sequence[dict]) -> list[MetricInfo]:
    """Return the metrics that are counted for each border policy."""
    policies = [policy for row in metrics for policy in row.get('borders', {}).values()]
    return [info for info in metrics_of(policies) if info.level != 'detail']


def _curves(runs: Sequence[ReportedRun]) -> list[Markup]:
    """Return a chart of every metric that training or validation has."""
    curves = [run.curves for run in runs]
    return [
        charts.curve(curves, name, title)
        for name, title in panels(curves, all_of_them=True).items()
    ]


def _progress(runs: Sequence[ReportedRun]) -> list[Markup]:
    """Return the learning rate over the steps, and the seconds of a step over epochs or steps."""
    found = []
    rates = [
        (list(run.steps), [row['step/learning_rate'] for row in run.steps.values()]) for run in runs
    ]
    if any(x for x, _ in rates):
        found.append(charts.lines(rates, 'Learning rate', 'step'))
    seconds = [_seconds_per_step(run) for run in runs]
    if any(x for x, _ in seconds):
        title, across = 'Seconds per step, validation included', units([run.curves for run in runs])
        found.append(charts.lines(seconds, title, across))
    return found


def _seconds_per_step(run: ReportedRun) -> tuple[list[int], list[float]]:
    epochs, seconds = run.curves.curve('seconds')
    if not epochs or not run.steps:
        return [], []
    if run.curves.unit == 'step':
        return epochs, [s / (e - b) for s, e, b in zip(seconds, epochs, [0, *epochs], strict=False)]
    per_epoch = max(run.steps) / max(epochs)  # the last step of an epoch is always written
    return epochs, [value / per_epoch for value in seconds]


def _range(groups: Sequence[dict[str, Any]]) -> tuple[float, float]:
    """Return limits that all intervals are within."""
    ends = [end for row in groups for end in row.get('Dice_interval', [row['Dice']])]
    margin = 0.04 * (max(ends) - min(ends)) or 0.01
    return min(ends) - margin, max(ends) + margin


def _breakdowns(runs: Sequence[ReportedRun]) -> list[Markup]:
    found = [run.scored.metrics.get('breakdowns', {}) if run.scored else {} for run in runs]
    result = []
    numbers = {name: len(groups) for row in found for name, groups in row.items()}
    for question in sorted(numbers, key=numbers.__getitem__):
        title = QUESTIONS.get(question, question.replace('_', ' ').capitalize())
        groups = [row.get(question, {}) for row in found]
        first = next(row for row in groups if row)
        names = list(first)
        if len(names) > _ROWS:
            names.sort(key=lambda name: first[name]['Dice'])
        low, high = _range([row[name] for row in groups for name in row])
        parts = math.ceil(len(names) / _ROWS)
        for part in range(parts):
            shown = names[part * len(names) // parts : (part + 1) * len(names) // parts]
            notes = [f'{first[name]["num_images"]:,}' for name in shown]
            own = title if parts == 1 else f'{title} ({part + 1} of {parts})'
            result.append(charts.groups(groups, shown, own, notes, (low, high)))
    return result


def _probabilities(runs: Sequence[ReportedRun]) -> list[Markup]:
    """Return the curve of thresholds, and the reliability diagram."""
    found = [run.scored.metrics if run.scored else {} for run in runs]
    result = []
    curves = [row.get('validation', {}).get('curve', {}) for row in found]
    if any(curves):
        series = [(curve.get('thresholds', []), curve.get('Dice', [])) for curve in curves]
        marks = [row['threshold'] if c else None for row, c in zip(found, curves, strict=True)]
        title = 'Dice by threshold, on validation'
        result.append(charts.lines(series, title, 'threshold', marks))
    bins = [[b for b in row.get('calibration', {}).get('bins', []) if b['pixels']] for row in found]
    if any(bins):
        series = [([b['probability'] for b in run], [b['foreground'] for b in run]) for run in bins]
        title = 'Share of foreground, by probability'
        across = 'predicted probability of foreground'
        result.append(charts.lines(series, title, across, diagonal=True))
    return result


def _environment(run: ReportedRun) -> dict[str, Any]:
    if run.scored is None:
        return {}
    metrics = run.scored.metrics
    keys = ('device', 'torch', 'python', 'system', 'commit')
    training = metrics.get('training') or {}
    tested = {f'test: {key}': metrics[key] for key in keys if key in metrics}
    trained = {f'training: {key.replace("_", " ")}': training[key] for key in training}
    return trained | tested


def _pictures(runs: Sequence[ReportedRun], comparisons: Sequence[Comparison]) -> Pictures:
    pictures = Pictures()
    tested = [run.scored for run in runs if run.scored and run.scored.rows]
    shown = [run for run in tested if (run.folder / 'masks').is_dir()]
    for run in tested:
        if run not in shown:
            pictures.notes.append(
                f'{run.label}: no pictures, because its test kept no masks; test with --out'
            )
    if not shown:
        return pictures
    try:
        gallery = Gallery(shown)
        for number, run in enumerate(shown):
            each = 4 if len(shown) == 1 else 2
            pictures.galleries[run.label] = gallery.worst_median_best(number, each)
        if len(shown) > 1:
            pictures.columns = ['image', 'ground truth', *(run.label for run in shown)]
            pictures.side = gallery.across_the_ranking(6)
            for comparison in comparisons:
                if {comparison.first, comparison.second} <= set(pictures.columns):
                    better, worse = gallery.changed_most(comparison, 3)
                    pictures.better[comparison.second] = better
                    pictures.worse[comparison.second] = worse
    except UserError as error:
        pictures.notes.append(f'No pictures: {error}')
    return pictures
