"""What the rows of ``per_image.csv`` tell beside the headline metrics."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from .bootstrap import LEVEL, RESAMPLES, SEED, percentile_intervals, resampled_sums
from .breakdowns import break_down, foreground_shares, size_limits
from .confusion import Confusion, ImageTable
from .metric_table import METRIC_TABLE, MetricInfo


def image_table(rows: Sequence[dict], means: dict[str, str]) -> ImageTable:
    """Return the table of all metrics.

    Args:
        rows: rows of ``per_image.csv``, one per image.
        means: name of a metric -> column whose mean it is, as ``shared_means`` returns them.
    """
    counts = [Confusion(row['tp'], row['fp'], row['fn'], row['tn']) for row in rows]
    return ImageTable(
        counts, {name: np.array([row[key] for row in rows]) for name, key in means.items()}
    )


def shared_means(rows: Sequence[Mapping], own: Iterable[MetricInfo] = ()) -> dict[str, str]:
    """Return metric -> column for each metric that is the mean of a column which all rows have.

    A column without a single value is none.

    Args:
        rows: rows of ``per_image.csv``, one per image.
        own: metrics of one's own, beside those of the table.
    """
    return {
        info.name: info.column
        for info in (*METRIC_TABLE.values(), *own)
        if info.column
        and all(info.column in row for row in rows)
        and not all(math.isnan(row[info.column]) for row in rows)
    }


def metrics_from_rows(rows: Sequence[dict], own: Iterable[MetricInfo] = ()) -> dict[str, object]:
    """Return what ``metrics.json`` holds of single images.

    - ``intervals``: of each metric, and ``interval_method``.
    - ``breakdowns``: see ``break_down``; ``size_limits``, the shares between the sizes.

    Args:
        rows: rows of ``per_image.csv``, one per image.
        own: metrics of one's own, beside those of the table.
    """
    means = shared_means(rows, own)
    table = image_table(rows, means)
    return dict(
        intervals=percentile_intervals(table.metrics(resampled_sums(table.values))),
        interval_method=f'{LEVEL:.0%} percentile bootstrap over images, {RESAMPLES:,} sets, '
        f'seed {SEED}',
        breakdowns=break_down(rows, means),
        size_limits=size_limits(foreground_shares(rows)),
    )
