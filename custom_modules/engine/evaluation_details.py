"""What a test tells beside its headline metrics; computed where the counts are, on rank 0."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from mmengine.evaluator import BaseMetric

from ..base.errors import UserError
from ..evaluation import BorderMetric, BoundaryMetric, DiceMetric, ProbabilityMetric
from ..evaluation.from_rows import metrics_from_rows
from ..evaluation.metric_table import MetricInfo
from ..evaluation.own_metrics import as_data, as_number, own_metrics
from ..evaluation.probabilities import best_threshold, calibration, threshold_curve

Metric = TypeVar('Metric', bound=BaseMetric)


def find_metric(metrics: Sequence[BaseMetric], kind: type[Metric]) -> Metric | None:
    """Return the first metric of a class, or None."""
    return next((metric for metric in metrics if isinstance(metric, kind)), None)


def image_rows(metrics: Sequence[BaseMetric]) -> list[dict]:
    """Return a row per image: counts of DiceMetric, and the ``per_image`` of each metric with one.

    Raises:
        UserError: there is no DiceMetric, or ``per_image`` of a metric has not a dict of finite
            numbers, or None, for each image, under names that are free.
    """
    pixels = find_metric(metrics, DiceMetric)
    if pixels is None:
        raise UserError(
            "test_evaluator: has no DiceMetric, which counts pixels; add dict(type='DiceMetric')"
        )
    rows = pixels.per_image
    for metric in metrics:
        own = getattr(metric, 'per_image', None)
        if own is not None and metric is not pixels:
            rows = _joined(rows, own, f'{type(metric).__name__}.per_image')
    return rows


def _joined(rows: list[dict], own: Any, name: str) -> list[dict]:
    """Return rows with the columns of another metric."""
    if not isinstance(own, list) or len(own) != len(rows):
        raise UserError(f'{name}: is no list of {len(rows):,} dicts, one for each image')
    columns = own[0].keys() if own and isinstance(own[0], dict) else {}
    joined = []
    for row, more in zip(rows, own, strict=True):
        if not isinstance(more, dict) or more.keys() != columns:
            raise UserError(f'{name}: that of {row["id"]} is no dict with the columns of others')
        taken = more.keys() & {*row, *row['groups']}
        if taken:
            raise UserError(
                f'{name}: a column {min(taken)!r} is there already; choose another name'
            )
        numbers = {
            key: math.nan if value is None else as_number(value, f'{name}.{key}')
            for key, value in more.items()
        }
        if any(map(math.isinf, numbers.values())):
            raise UserError(f'{name}: that of {row["id"]} is infinite; use None for no value')
        joined.append(row | numbers)
    return joined


def own_results(
    evaluated: dict[str, Any], metrics: Sequence[BaseMetric], rows: Sequence[dict]
) -> dict[str, MetricInfo]:
    """Return the metrics of one's own in what an evaluation gave, whose values become numbers.

    Args:
        evaluated: name of a metric -> its value, as the evaluator gave them; the values are changed
            in place.
        metrics: metrics that gave the values.
        rows: one dict for each image, as ``image_rows`` returns them.

    Raises:
        UserError: a value is no finite number, or is not the mean of the column that it is said to
            be of.
    """
    own = own_metrics(evaluated, metrics)
    for name, info in own.items():
        value = evaluated[name] = as_number(evaluated[name], f'the metric {name!r}')
        if not math.isfinite(value):
            raise UserError(f'the metric {name!r} is {value}, which no result can hold')
        if not info.column:
            continue
        if rows and info.column not in rows[0]:
            raise UserError(
                f'the metric {name!r} is said to be the mean of the column {info.column!r}, which '
                'is not there; give it in per_image, a dict for each image'
            )
        scores = [row[info.column] for row in rows if not math.isnan(row[info.column])]
        mean = sum(scores) / len(scores) if scores else math.nan
        if not math.isclose(mean, value, rel_tol=1e-3, abs_tol=1e-6):
            raise UserError(
                f'the metric {name!r} is {value:g} and said to be the mean of the column '
                f'{info.column!r}, which is {mean:g}; leave column out of its MetricInfo'
            )
    return own


def refuse_taken_names(
    own: Iterable[str], evaluated: Mapping[str, Any], result: Mapping[str, Any]
) -> None:
    """Refuse a metric whose name is that of something else in ``metrics.json``.

    Args:
        own: names of metrics of one's own.
        evaluated: name of a metric -> its value.
        result: content of ``metrics.json`` before it is written.

    Raises:
        UserError: the value of a metric in ``own`` was replaced in ``result`` by another entry of
            its name.
    """
    for name in own:
        if result[name] is not evaluated[name]:
            raise UserError(
                f'the metric {name!r} has the name of another entry of metrics.json; give it '
                'another name, or a prefix'
            )


def details(
    metrics: Sequence[BaseMetric], rows: list[dict], own: Mapping[str, MetricInfo]
) -> dict[str, object]:
    """Return what ``metrics.json`` holds beside the headline metrics.

    - ``own_metrics``: what is known of metrics that are not in the table, where there are any.
    - What ``metrics_from_rows`` gives.
    - ``metric_batch_size``: of ``Dice_batches``, where that is computed.
    - ``boundary``, ``borders``, ``calibration``: where their metrics ran.
    """
    boundary = find_metric(metrics, BoundaryMetric)
    result: dict[str, object] = dict(own_metrics=as_data(own)) if own else {}
    result |= metrics_from_rows(rows, own.values())
    pixels = find_metric(metrics, DiceMetric)
    if pixels is not None and pixels.batch_size:
        result['metric_batch_size'] = pixels.batch_size
    if boundary is not None:
        result['boundary'] = dict(
            width=boundary.width,
            tolerance=boundary.tolerance,
            unit="share of the image's diagonal",
            outline='pixels with a side next to the outside',  # before, a corner was enough
        )
    borders = find_metric(metrics, BorderMetric)
    if borders is not None:
        result['borders'] = borders.by_border
    probabilities = find_metric(metrics, ProbabilityMetric)
    if probabilities is not None:
        result['calibration'] = calibration(probabilities.images)
    return result


def validation_details(metrics: Sequence[BaseMetric]) -> dict[str, object]:
    """Return the calibration on the validation images, and their curve of Dice by threshold."""
    probabilities = find_metric(metrics, ProbabilityMetric)
    assert probabilities is not None
    curve = threshold_curve(probabilities.images)
    threshold, score = best_threshold(curve)
    return dict(
        num_images=len(probabilities.images),
        best_threshold=threshold,
        best_Dice=score,
        curve=curve,
        calibration=calibration(probabilities.images),
    )
