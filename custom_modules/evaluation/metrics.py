"""The metrics of the evaluators: Dice with its companions, and the validation loss."""

from collections.abc import Sequence

import numpy as np
from mmengine.registry import METRICS

from ..base.errors import UserError
from ..datasets.ground_truth import ground_truth
from .confusion import Confusion, count_pixels, dice, pooled_dice, summarise
from .per_image_metric import PerImageMetric


@METRICS.register_module()
class DiceMetric(PerImageMetric):
    """Dice and its companions from pixel counts per image; see ``summarise`` for each metric.

    Ranks exchange the counts, never scores, and images that fill up the last batch of a rank are
    dropped before anything is computed. After ``evaluate``, ``per_image`` holds a row per image:
    ``id, groups, tp, fp, fn, tn, dice`` (rank 0); ``groups`` is a dict of texts.

    Args:
        batch_size: number of images that ``Dice_batches`` pools at a time, as some reports average
            (see ``pooled_dice``); None leaves that metric out. The batches of the loader do not
            matter.

    Raises:
        UserError: ``batch_size`` is no positive whole number.
    """

    per_image: list[dict]

    def __init__(self, batch_size: int | None = None) -> None:
        super().__init__()
        if batch_size is not None and not (isinstance(batch_size, int) and batch_size >= 1):
            raise UserError(
                f'DiceMetric: batch_size={batch_size!r} is not allowed; use 1 or more, or None'
            )
        self.batch_size = batch_size

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            prediction = sample['pred_sem_seg']['data'][0].cpu().numpy()
            target = ground_truth(sample).cpu().numpy()
            counts = count_pixels(prediction, target)
            self.results.append(
                dict(
                    id=sample['sample_id'],
                    groups=sample.get('groups', {}),
                    **counts._asdict(),
                )
            )

    def compute_metrics(self, results: list[dict]) -> dict[str, float | int]:
        counts = [Confusion(row['tp'], row['fp'], row['fn'], row['tn']) for row in results]
        self.per_image = [
            row | dict(dice=float(dice(row['tp'], row['fp'], row['fn']))) for row in results
        ]
        metrics = summarise(counts)
        if self.batch_size:
            metrics['Dice_batches'] = pooled_dice(counts, self.batch_size)
        return metrics


@METRICS.register_module()
class LossMetric(PerImageMetric):
    """The loss on the evaluated images: ``loss`` and its terms, each batch weighted by its images.

    The segmentor computes the terms; here they are averaged over images and ranks, so that
    ``loss`` can be watched by schedules, early stopping and the choice of the best checkpoint.
    """

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            if not sample.get('losses'):
                ground_truth(sample)  # says of which image there is none
            self.results.append(dict(sample['losses']))

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        terms = {name: float(np.mean([row[name] for row in results])) for name in results[0]}
        return dict(loss=sum(terms.values()), **terms)
