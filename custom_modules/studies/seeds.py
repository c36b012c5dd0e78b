"""Rows of a study that differ in the seed alone, as one value."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..evaluation.images_needed import ImagesNeeded, describe_needed
from ..runs.metrics_json import PROTOCOL


@dataclass(frozen=True)
class Value:
    """One value of what is studied, with a row for each seed.

    Attributes:
        name: name of its experiments, without the seed.
        rows: rows of its experiments, as ``study_results`` returns them, one per seed.
    """

    name: str
    rows: Sequence[dict[str, Any]]

    @property
    def test_dice(self) -> list[float]:
        """The Dice of the test, of each seed."""
        return [row['metrics']['Dice'] for row in self.rows]

    @property
    def validation_dice(self) -> list[float]:
        """The best Dice of the validation, of each seed; 0 where there was none."""
        curves = [row['curves'].get('valid/dice', []) for row in self.rows]
        return [max((dice for dice in curve if dice is not None), default=0.0) for curve in curves]


def without_seed(experiment: str) -> str:
    """Return the name of an experiment without its seed, which stands last."""
    return experiment.rpartition(',seed=')[0]


def values_of(rows: Sequence[dict[str, Any]]) -> list[Value]:
    """Return the values that rows are of, in the order of the rows.

    Args:
        rows: rows of one study at one budget, as ``study_results`` returns them.
    """
    groups: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault(without_seed(row['experiment']), []).append(row)
    return [Value(name, group) for name, group in groups.items()]


def best_line(values: Sequence[Value]) -> str:
    """Return which value is the best, as a line; '' where there is nothing to choose.

    The validation chooses, over the seeds on average, so that the test stays unseen.
    """
    if len(values) < 2:
        return ''
    for key in PROTOCOL:
        if len({str(row[key]) for value in values for row in value.rows}) > 1:
            return f'no best: they are scored at several values of {key}'
    means = [statistics.mean(value.validation_dice) for value in values]
    if not max(means):
        return 'no best: there was no validation to choose by'
    best = values[means.index(max(means))]
    return (
        f'best by the validation: {best.name}, validation Dice {max(means):.4f}, '
        f'test Dice {statistics.mean(best.test_dice):.4f}'
    )


def too_few_images(value: Value) -> str:
    """Return a warning where the test is too small for the difference to the base; '' elsewhere.

    Of several seeds it is their mean difference. A mean over more seeds does not make images out of
    them: their differences deviate as much, because the images are the same.
    """
    found = [row['difference'] for row in value.rows if row['difference']]
    found = [one for one in found if one.get('deviation') is not None]
    if not found:
        return ''
    gains = [one['Dice'] for one in found]
    deviation = statistics.mean(one['deviation'] for one in found)
    needed = ImagesNeeded(value.rows[0]['num_images'], statistics.mean(gains), deviation)
    if not needed.too_few:
        return ''
    seeds = f', the mean of {len(found)} seeds' if len(found) > 1 else ''
    signs = ' that do not agree on its sign' if min(gains) < 0 < max(gains) else ''
    return f'warning: {value.name}{seeds}{signs}: {describe_needed(needed)}'


def mean_and_range(scores: Sequence[float]) -> str:
    """Return the mean with the lowest and the highest; of one score itself, of none nothing."""
    if not scores:
        return ''
    if len(scores) == 1:
        return f'{scores[0]:.4f}'
    return f'{statistics.mean(scores):.4f} ({min(scores):.4f} to {max(scores):.4f})'
