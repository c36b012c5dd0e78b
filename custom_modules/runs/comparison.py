"""Two tests image by image: is the difference more than chance, and where does it come from?"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..base.errors import UserError
from ..config.differences import differences
from ..evaluation.bootstrap import percentile_intervals, resampled_sums
from ..evaluation.from_rows import drawn_together, image_table, shared_means
from ..evaluation.images_needed import ImagesNeeded, describe_needed, images_needed
from ..evaluation.metric_table import METRIC_TABLE
from ..evaluation.own_metrics import own_of
from .scored_run import ScoredRun, check_comparable

#: What a test may do differently and still be compared with another.
_SETTINGS = ('threshold', 'tta', 'dtype')


@dataclass(frozen=True)
class Difference:
    """One metric of two runs, and the interval of its difference (second minus first).

    Attributes:
        metric: name of the metric.
        first: value of the metric in the first run.
        second: value of the metric in the second run.
        low: lower end of the interval; None where the metric has no value for each image.
        high: upper end of the interval, or None.
        better: which values are better: 'greater' or 'less'.
    """

    metric: str
    first: float
    second: float
    low: float | None
    high: float | None
    better: str = 'greater'

    @property
    def verdict(self) -> str:
        """Say 'better' or 'worse' where the interval is on one side of 0, else nothing."""
        if self.low is None or self.high is None or self.low <= 0 <= self.high:
            return ''
        return 'better' if (self.low > 0) == (self.better == 'greater') else 'worse'


@dataclass(frozen=True)
class Change:
    """The Dice of one image in two runs."""

    id: str
    first: float
    second: float


@dataclass(frozen=True)
class Comparison:
    """What a second run changes against a first.

    Attributes:
        first: label of the run that the other is compared with.
        second: label of the run that is compared with it.
        metrics: metrics of both runs, with the intervals of their differences.
        changes: Dice of every image in both runs, from the most improved to the most worsened.
        needed: number of images that the difference of the Dice needs to be believed.
        settings: settings that differ between the tests: name, first and second value.
        config: keys that differ between the configs: key, first and second value; None if a config
            is not there.
        config_error: reason why ``config`` is None.
    """

    first: str
    second: str
    metrics: list[Difference]
    changes: list[Change]
    needed: ImagesNeeded
    settings: list[tuple[str, Any, Any]]
    config: list[tuple[str, Any, Any]] | None
    config_error: str = ''

    @property
    def better(self) -> list[Change]:
        """Images whose Dice rose, the most improved first."""
        return [change for change in self.changes if change.second > change.first]

    @property
    def worse(self) -> list[Change]:
        """Images whose Dice fell, the most worsened first."""
        return [change for change in self.changes[::-1] if change.second < change.first]


def compare(first: ScoredRun, second: ScoredRun) -> Comparison:
    """Compare ``second`` with ``first``.

    The intervals are of the paired bootstrap: both runs are scored on the same drawn images.

    Raises:
        UserError: the two runs were not scored on the same pixels.
    """
    check_comparable(first, second)
    metrics = _differences(first, second)
    names = list(first.rows)
    changes = [Change(n, first.rows[n]['dice'], second.rows[n]['dice']) for n in names]
    gains = [change.second - change.first for change in changes]
    needed = images_needed(gains, drawn_together([*first.rows.values()]))
    changes.sort(key=lambda change: (change.first - change.second, change.id))
    settings = [
        (key, first.metrics.get(key), second.metrics.get(key))
        for key in _SETTINGS
        if first.metrics.get(key) != second.metrics.get(key)
    ]
    known = (first.label, second.label, metrics, changes, needed, settings)
    try:
        config = list(differences(first.config(), second.config()))
    except UserError as error:
        return Comparison(*known, config=None, config_error=str(error))
    return Comparison(*known, config=config)


def _differences(first: ScoredRun, second: ScoredRun) -> list[Difference]:
    """Return each metric that both runs have from their images, and those of one's own."""
    rows = [[run.rows[name] for name in first.rows] for run in (first, second)]
    metrics = (first.metrics, second.metrics)
    own = own_of(metrics)
    means = shared_means([*rows[0], *rows[1]], own.values())
    together = drawn_together(rows[0])
    tables = [image_table(some, means, together) for some in rows]
    drawn = resampled_sums(np.hstack([table.drawn for table in tables]))
    columns = tables[0].values.shape[1]
    one = tables[0].metrics(drawn[:, :columns])
    other = tables[1].metrics(drawn[:, columns:])
    intervals = percentile_intervals({name: other[name] - one[name] for name in one})
    before, after = (table.metrics(table.values.sum(0)) for table in tables)
    found = []
    for name, info in (METRIC_TABLE | own).items():
        if name in intervals:
            low, high = intervals[name]
            values = (float(before[name]), float(after[name]))
            found.append(Difference(name, *values, low, high, info.better))
        elif name in own and not info.is_loss_term and all(name in result for result in metrics):
            old, new = (result[name] for result in metrics)
            found.append(Difference(name, old, new, None, None, info.better))
    return found


def describe(comparison: Comparison, top: int = 5) -> str:
    """Return a comparison as the lines a person reads.

    Args:
        comparison: comparison, as ``compare`` returns it.
        top: number of images to name that got better, and of those that got worse.
    """
    width = max(len(comparison.first), len(comparison.second), 8)
    left = max(16, *(len(row.metric) + 1 for row in comparison.metrics))
    lines = [
        f'{"":{left}}{comparison.first:>{width + 2}}{comparison.second:>{width + 2}}  difference, '
        '95 % interval'
    ]
    for row in comparison.metrics:
        line = (
            f'{row.metric:{left}}{row.first:{width + 2}.4f}{row.second:{width + 2}.4f}  '
            f'{row.second - row.first:+.4f}'
        )
        if row.low is not None:
            line += f'  {row.low:+.4f} to {row.high:+.4f}  {row.verdict}'
        lines.append(line.rstrip())
    better, worse = comparison.better, comparison.worse
    equal = len(comparison.changes) - len(better) - len(worse)
    lines.append(f'better on {len(better):,} images, worse on {len(worse):,}, equal on {equal:,}')
    warning = 'warning: ' if comparison.needed.too_few else ''
    lines.append(warning + describe_needed(comparison.needed))
    for title, changes in (('most improved', better), ('most worsened', worse)):
        lines += [
            f'{title}: {change.id}  Dice {change.first:.4f} -> {change.second:.4f}'
            for change in changes[:top]
        ]
    lines += [f'test: {key}: {old} -> {new}' for key, old, new in comparison.settings]
    if comparison.config is None:
        lines.append(f'configs are not compared ({comparison.config_error})')
    elif not comparison.config:
        lines.append('configs: no difference')
    for key, old, new in comparison.config or ():
        lines.append(f'config: {key}: {old} -> {new}')
    return '\n'.join(lines)


def as_dict(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as JSON takes it, all images included."""
    return dict(
        first=comparison.first,
        second=comparison.second,
        metrics={
            row.metric: dict(
                first=row.first,
                second=row.second,
                difference=row.second - row.first,
                interval=None if row.low is None else [row.low, row.high],
            )
            for row in comparison.metrics
        },
        better=len(comparison.better),
        worse=len(comparison.worse),
        images_needed=dict(interval=comparison.needed.interval, power=comparison.needed.power),
        images=[vars(change) for change in comparison.changes],
        settings=_changes(comparison.settings),
        config=None if comparison.config is None else _changes(comparison.config),
    )


def _changes(found: Sequence[tuple[str, Any, Any]]) -> list[dict[str, Any]]:
    return [dict(key=key, first=_plain(old), second=_plain(new)) for key, old, new in found]


def _plain(value: object) -> object:
    """Return a value of a config as it is where JSON has it, else as text."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value
