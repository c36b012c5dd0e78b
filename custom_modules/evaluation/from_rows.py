"""What the rows of ``per_image.csv`` tell beside the headline metrics."""

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from .bootstrap import LEVEL, RESAMPLES, SEED, percentile_intervals, resampled_sums
from .breakdowns import GROUP, break_down, foreground_shares, size_limits
from .confusion import Confusion, ImageTable
from .metric_table import METRIC_TABLE, MetricInfo


def image_table(
    rows: Sequence[dict], means: dict[str, str], together: Sequence[str] | None = None
) -> ImageTable:
    """Return the table of all metrics.

    Args:
        rows: rows of ``per_image.csv``, one per image.
        means: name of a metric -> column whose mean it is, as ``shared_means`` returns them.
        together: group of each image, as ``drawn_together`` returns them.
    """
    counts = [Confusion(row['tp'], row['fp'], row['fn'], row['tn']) for row in rows]
    columns = {name: np.array([row[key] for row in rows]) for name, key in means.items()}
    return ImageTable(counts, columns, together)


def drawn_together(rows: Sequence[Mapping]) -> list[str] | None:
    """Return the ``GROUP`` of each image, an image without one being its own.

    None where every image is by itself, or where all are of one group, whose images alone can be
    drawn.

    Args:
        rows: rows of ``per_image.csv``, one per image.
    """
    names = [row.get('groups', {}).get(GROUP) or f'image {n}' for n, row in enumerate(rows)]
    return names if 1 < len({*names}) < len(names) else None


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
    together = drawn_together(rows)
    table = image_table(rows, means, together)
    over = 'images' if together is None else f'the {len({*together}):,} groups of images'
    return dict(
        intervals=percentile_intervals(table.metrics(resampled_sums(table.drawn))),
        interval_method=f'{LEVEL:.0%} percentile bootstrap over {over}, {RESAMPLES:,} sets, '
        f'seed {SEED}',
        breakdowns=break_down(rows, means),
        size_limits=size_limits(foreground_shares(rows)),
    )
