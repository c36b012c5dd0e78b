"""What the rows of ``per_image.csv`` tell beside the headline figures."""

from collections.abc import Sequence

import numpy as np

from .bootstrap import LEVEL, RESAMPLES, SEED, percentile_intervals, resampled_sums
from .breakdowns import break_down, foreground_shares, size_limits
from .confusion import Confusion, ImageTable

#: Figure that is a mean over images -> its column.
MEANS = {'IoU_boundary': 'iou_boundary', 'Dice_surface': 'dice_surface'}


def image_table(rows: Sequence[dict], means: dict[str, str]) -> ImageTable:
    """Return the table of all figures.

    Args:
        rows: of ``per_image.csv``.
        means: of ``MEANS`` those that the rows have.
    """
    counts = [Confusion(row['tp'], row['fp'], row['fn'], row['tn']) for row in rows]
    return ImageTable(
        counts, {name: np.array([row[key] for row in rows]) for name, key in means.items()}
    )


def shared_means(rows: Sequence[dict]) -> dict[str, str]:
    """Return those of ``MEANS`` that all rows have."""
    return {name: key for name, key in MEANS.items() if all(key in row for row in rows)}


def figures_from_rows(rows: Sequence[dict]) -> dict[str, object]:
    """Return what ``metrics.json`` holds of single images.

    - ``intervals``: of each figure, and ``interval_method``.
    - ``breakdowns``: see ``break_down``; ``size_limits``, the shares between the sizes.
    """
    table = image_table(rows, shared_means(rows))
    return dict(
        intervals=percentile_intervals(table.figures(resampled_sums(table.values))),
        interval_method=f'{LEVEL:.0%} percentile bootstrap over images, {RESAMPLES:,} sets, '
        f'seed {SEED}',
        breakdowns=break_down(rows),
        size_limits=size_limits(foreground_shares(rows)),
    )
