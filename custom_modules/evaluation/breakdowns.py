"""Metrics of groups of images: those of the data set, size, whether the frame cuts the object."""

from collections.abc import Mapping, Sequence

import numpy as np

from .bootstrap import percentile_intervals, resampled_sums
from .confusion import Confusion, ImageTable, summarise

#: Sizes from the smallest third of the images to the largest.
SIZES = ('small', 'medium', 'large')

#: Name of what images share that are not independent: a patient, a scene, a video. They are drawn
#: together, and too few each to have metrics of their own.
GROUP = 'group'


def foreground_shares(rows: Sequence[Mapping]) -> np.ndarray:
    """Return the share of each image's counted pixels that are foreground in truth, (N,)."""
    counts = np.array([[row[key] for key in ('tp', 'fn', 'fp', 'tn')] for row in rows], np.float64)
    return counts[:, :2].sum(1) / np.maximum(counts.sum(1), 1)


def size_limits(shares: np.ndarray) -> list[float]:
    """Return the two shares between the thirds of the images that have foreground."""
    present = shares[shares > 0]
    return np.quantile(present, [1 / 3, 2 / 3]).tolist() if len(present) else []


def group_images(rows: Sequence[Mapping]) -> dict[str, list[str]]:
    """Return for each question the group of every image; '' where an image is in none.

    - what the rows hold under ``groups``, such as species and breed; not ``GROUP``.
    - ``size``: ``SIZES``, thirds of the images by the share of the image that is foreground, a
      limit belonging to the smaller; images without foreground have no size.
    - ``frame``: 'cut' if the foreground touches the frame of the image, 'inside' if not.
    """
    shares = foreground_shares(rows)
    limits = size_limits(shares)
    keys = dict.fromkeys(key for row in rows for key in row.get('groups', {}) if key != GROUP)
    groups = {key: [row.get('groups', {}).get(key, '') for row in rows] for key in keys}
    groups['size'] = [
        SIZES[int(np.searchsorted(limits, share))] if share > 0 else '' for share in shares
    ]
    groups['frame'] = [
        _frame(row) if share > 0 else '' for row, share in zip(rows, shares, strict=True)
    ]
    return {question: names for question, names in groups.items() if any(names)}


def _frame(row: Mapping) -> str:
    if 'touches_frame' not in row:
        return ''
    return 'cut' if int(row['touches_frame']) else 'inside'


def break_down(
    rows: Sequence[Mapping], means: Mapping[str, str] | None = None
) -> dict[str, dict[str, dict]]:
    """Return for each question of ``group_images`` the metrics of each group.

    Each has the metrics of ``summarise``, the means of columns and the interval of its Dice.

    Args:
        rows: one row per image, with ``tp``, ``fp``, ``fn``, ``tn`` and what ``group_images`` asks
            for.
        means: name of a metric -> column of the rows whose mean it is.
    """
    means = means or {}
    return {
        question: {
            group: _metrics(
                [row for row, own in zip(rows, names, strict=True) if own == group], means
            )
            for group in _order(names)
        }
        for question, names in group_images(rows).items()
    }


def _order(names: Sequence[str]) -> list[str]:
    """Return the groups by name, sizes from small to large."""
    present = set(names) - {''}
    return [size for size in SIZES if size in present] or sorted(present)


def _metrics(rows: Sequence[Mapping], means: Mapping[str, str]) -> dict:
    counts = [Confusion(row['tp'], row['fp'], row['fn'], row['tn']) for row in rows]
    metrics: dict = dict(summarise(counts))
    for name, key in means.items():
        scores = np.array([row[key] for row in rows], np.float64)
        if not np.isnan(scores).all():
            metrics[name] = float(np.nanmean(scores))
    table = ImageTable(counts)
    drawn = table.metrics(resampled_sums(table.values))
    return metrics | dict(Dice_interval=percentile_intervals(drawn)['Dice'])
