"""The metrics of the evaluators: Dice with its companions, and the validation loss."""

from collections.abc import Sequence

import numpy as np
from mmengine.registry import METRICS

from .confusion import Confusion, count_pixels, dice, summarise
from .per_image_metric import PerImageMetric


@METRICS.register_module()
class DiceMetric(PerImageMetric):
    """Dice and its companions from pixel counts per image; see ``summarise`` for each figure.

    Ranks exchange the counts, never scores, and images that fill up the last batch of a rank are
    dropped before anything is computed. After ``evaluate``, ``per_image`` holds a row per image:
    ``id, species, breed, tp, fp, fn, tn, dice`` (rank 0).
    """

    per_image: list[dict]

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            prediction = sample['pred_sem_seg']['data'][0].cpu().numpy()
            target = sample['gt_sem_seg']['data'][0].cpu().numpy()
            counts = count_pixels(prediction, target)
            self.results.append(
                dict(
                    id=sample['sample_id'],
                    species=sample.get('species', ''),
                    breed=sample.get('breed', ''),
                    **counts._asdict(),
                )
            )

    def compute_metrics(self, results: list[dict]) -> dict[str, float | int]:
        counts = [Confusion(row['tp'], row['fp'], row['fn'], row['tn']) for row in results]
        self.per_image = [
            row | dict(dice=float(dice(row['tp'], row['fp'], row['fn']))) for row in results
        ]
        return summarise(counts)


@METRICS.register_module()
class LossMetric(PerImageMetric):
    """The loss on the evaluated images: ``loss`` and its terms, each batch weighted by its images.

    The segmentor computes the terms; here they are averaged over images and ranks, so that
    ``loss`` can be watched by schedules, early stopping and the choice of the best checkpoint.
    """

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        self.results.extend(dict(sample['losses']) for sample in data_samples)

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        terms = {name: float(np.mean([row[name] for row in results])) for name in results[0]}
        return dict(loss=sum(terms.values()), **terms)
