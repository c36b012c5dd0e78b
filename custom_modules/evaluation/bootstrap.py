"""Intervals of metrics by the percentile bootstrap over images (Efron, 1979)."""

from collections.abc import Iterator, Mapping

import numpy as np

#: Sets that are drawn, and the share of them that lies inside an interval.
RESAMPLES, LEVEL, SEED = 2000, 0.95, 0

#: Indices drawn at a time, which bounds the memory.
_CHUNK = 2_000_000


def resampled_sums(values: np.ndarray, resamples: int = RESAMPLES, seed: int = SEED) -> np.ndarray:
    """Draw as many images as there are, with replacement, again and again, and sum their rows.

    Args:
        values: (N, columns) numbers to sum, a row per image.
        resamples: number of sets to draw.
        seed: seed of the draw; two tables of equal length are drawn alike, which makes pairs.

    Returns:
        (resamples, columns) float64, the sums over the images of each drawn set.
    """
    return np.concatenate([times @ values for times in _times_drawn(len(values), resamples, seed)])


def _times_drawn(number: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield how often each image is in each set, (sets, N)."""
    random = np.random.default_rng(seed)
    step = max(1, _CHUNK // number)
    for start in range(0, resamples, step):
        sets = min(step, resamples - start)
        drawn = random.integers(number, size=(sets, number))
        drawn += number * np.arange(sets)[:, None]
        times = np.bincount(drawn.ravel(), minlength=sets * number)
        yield times.reshape(sets, number).astype(np.float64)


def percentile_intervals(metrics: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
    """Return ``[low, high]`` of each metric, between which ``LEVEL`` of the sets lie.

    Args:
        metrics: name of a metric -> (resamples,) values of the drawn sets; nan where a set has
            none.
    """
    tail = (1 - LEVEL) / 2
    return {
        name: np.nanquantile(values, [tail, 1 - tail]).tolist() for name, values in metrics.items()
    }
