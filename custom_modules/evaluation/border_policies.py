"""Metrics for each border policy (how a trimap's border counts), from one pass over the images."""

from collections.abc import Sequence

import numpy as np
from mmengine.registry import METRICS

from .confusion import Confusion, summarise
from .per_image_metric import PerImageMetric


def count_regions(prediction: np.ndarray, regions: np.ndarray) -> dict[str, int]:
    """Count how much of each region of a trimap is predicted.

    Args:
        prediction: predicted mask, (H, W), 0 or 1.
        regions: trimap, (H, W), 0 background, 1 pet, 255 border.

    Returns:
        Numbers of pixels, under ``pet_1`` (predicted), ``pet_0`` (not predicted), ``border_1`` and
        so on.
    """
    table = np.bincount((regions.astype(np.int64) * 2 + prediction).ravel(), minlength=512)
    return {
        f'{name}_{value}': int(table[2 * region + value])
        for name, region in (('background', 0), ('pet', 1), ('border', 255))
        for value in (0, 1)
    }


def confusion_by_border(row: dict[str, int]) -> dict[str, Confusion]:
    """Return the counts of one image for each border policy, from ``count_regions``."""
    tp, fp = row['pet_1'], row['background_1']
    fn, tn = row['pet_0'], row['background_0']
    return dict(
        foreground=Confusion(tp + row['border_1'], fp, fn + row['border_0'], tn),
        background=Confusion(tp, fp + row['border_1'], fn, tn + row['border_0']),
        ignore=Confusion(tp, fp, fn, tn),
    )


@METRICS.register_module()
class BorderMetric(PerImageMetric):
    """The metrics of ``summarise`` for each border policy.

    Samples need ``gt_regions`` (see CountBorder). After ``evaluate``, ``by_border`` holds the
    metrics of each policy by its name (rank 0).
    """

    by_border: dict[str, dict[str, float | int]]

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            prediction = sample['pred_sem_seg']['data'][0].cpu().numpy()
            regions = sample['gt_regions']['data'][0].cpu().numpy()
            self.results.append(count_regions(prediction, regions))

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        counts = [confusion_by_border(row) for row in results]
        self.by_border = {
            policy: summarise([row[policy] for row in counts]) for policy in counts[0]
        }
        return {}
