"""What a test tells beside its headline figures; computed where the counts are, on rank 0."""

from collections.abc import Sequence
from typing import TypeVar

from mmengine.evaluator import BaseMetric

from ..evaluation import BorderMetric, BoundaryMetric, DiceMetric, ProbabilityMetric
from ..evaluation.from_rows import figures_from_rows
from ..evaluation.probabilities import best_threshold, calibration, threshold_curve

Metric = TypeVar('Metric', bound=BaseMetric)


def find_metric(metrics: Sequence[BaseMetric], kind: type[Metric]) -> Metric | None:
    """Return the first metric of a class, or None."""
    return next((metric for metric in metrics if isinstance(metric, kind)), None)


def image_rows(metrics: Sequence[BaseMetric]) -> list[dict]:
    """Return a row per image: counts and figures of DiceMetric, and of BoundaryMetric if it ran."""
    figures = find_metric(metrics, DiceMetric)
    assert figures is not None
    boundary = find_metric(metrics, BoundaryMetric)
    if boundary is None:
        return figures.per_image
    return [a | b for a, b in zip(figures.per_image, boundary.per_image, strict=True)]


def details(metrics: Sequence[BaseMetric], rows: list[dict]) -> dict[str, object]:
    """Return what ``metrics.json`` holds beside the headline figures.

    - What ``figures_from_rows`` gives.
    - ``metric_batch_size``: of ``Dice_batches``, where that is computed.
    - ``boundary``, ``borders``, ``calibration``: where their metrics ran.
    """
    boundary = find_metric(metrics, BoundaryMetric)
    result = figures_from_rows(rows)
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
