"""Pixels counted first, metrics second: integers per image and the named reductions of them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

Count = int | np.ndarray


class Confusion(NamedTuple):
    """Pixel counts of one image; pixels that are ignored are in none of them."""

    tp: int
    fp: int
    fn: int
    tn: int


def count_pixels(prediction: np.ndarray, target: np.ndarray) -> Confusion:
    """Count the pixels of one image.

    Args:
        prediction: predicted mask, (H, W), 0 or 1.
        target: ground truth, (H, W), 0, 1 or 255 (ignored).
    """
    assert prediction.shape == target.shape, (prediction.shape, target.shape)
    truth, background, guess = target == 1, target == 0, prediction == 1  # a byte for each pixel
    tp, fp, positive, negative = (
        int(np.count_nonzero(one)) for one in (truth & guess, background & guess, truth, background)
    )
    return Confusion(tp, fp, positive - tp, negative - fp)


def dice(both: Count, only_first: Count, only_second: Count) -> np.ndarray:
    """``2 TP / (2 TP + FP + FN)``; 1 where both masks are empty, so 0 where one of them is."""
    total = 2 * both + only_first + only_second
    return np.where(total > 0, 2 * both / np.maximum(total, 1), 1.0)


def iou(both: Count, only_first: Count, only_second: Count) -> np.ndarray:
    """``TP / (TP + FP + FN)``; 1 where both masks are empty, so 0 where one of them is."""
    union = both + only_first + only_second
    return np.where(union > 0, both / np.maximum(union, 1), 1.0)


def ratio(part: Count, rest: Count) -> np.ndarray:
    """``part / (part + rest)``; 1 where there is nothing to divide (nothing was missed)."""
    total = part + rest
    return np.where(total > 0, part / np.maximum(total, 1), 1.0)


class ImageTable:
    """What every metric of a set of images is made of: their scores and their counts.

    Metrics are functions of the sums over images, so those of a resampled set cost one sum.

    Args:
        counts: pixel counts of each image.
        means: name of a further metric -> (N,) scores of the images, whose mean it is. An image
            with nan has no such score and is left out of that mean.
        together: group of each image, such as a patient, where images are not independent; None
            where they are.

    Attributes:
        values: (N, columns) float64; its sums over any choice of images go into ``metrics``.
        drawn: (N or groups, columns) float64; what the bootstrap draws from: ``values``, or their
            sums over the images of each group.
    """

    def __init__(
        self,
        counts: Sequence[Confusion],
        means: Mapping[str, np.ndarray] | None = None,
        together: Sequence[str] | None = None,
    ) -> None:
        table = np.array(counts, np.int64).reshape(-1, 4)
        tp, fp, fn, tn = table.T
        scores = dict(Dice=dice(tp, fp, fn), IoU=iou(tp, fp, fn), Dice_background=dice(tn, fn, fp))
        scores |= means or {}
        self.names = list(scores)
        counted = {name: ~np.isnan(score) for name, score in scores.items()}
        # Drawn groups have other numbers of images each time, so that all means count theirs.
        self.partial = [name for name, there in counted.items() if together or not there.all()]
        self.values = np.column_stack(
            [*map(np.nan_to_num, scores.values()), *(counted[name] for name in self.partial), table]
        )
        self.drawn = self.values
        if together is not None:
            names, group = np.unique(together, return_inverse=True)
            self.drawn = np.zeros((len(names), self.values.shape[1]))
            np.add.at(self.drawn, group, self.values)

    def metrics(self, sums: np.ndarray) -> dict[str, np.ndarray]:
        """Return the metrics of one or more sets of as many images as there are.

        - ``Dice``, ``IoU``: mean over images. ``Dice_background``: the same of class 0.
        - ``Dice_global``, ``IoU_global``, ``precision``, ``recall``: of the pixels of all images.

        Args:
            sums: (..., columns) sums of ``values`` over the images of each set.
        """
        *scores, tp, fp, fn, _ = np.moveaxis(sums, -1, 0)
        split = len(self.names)
        images = dict(zip(self.partial, scores[split:], strict=True))
        with np.errstate(invalid='ignore'):  # a drawn set without a single score has no mean
            means = {
                name: total / images.get(name, len(self.values))
                for name, total in zip(self.names, scores[:split], strict=True)
            }
        return dict(
            Dice=means.pop('Dice'),
            Dice_global=dice(tp, fp, fn),
            IoU=means.pop('IoU'),
            IoU_global=iou(tp, fp, fn),
            Dice_background=means.pop('Dice_background'),
            precision=ratio(tp, fp),
            recall=ratio(tp, fn),
            **means,
        )


def pooled_dice(counts: Sequence[Confusion], batch_size: int) -> float:
    """Return the mean over batches of the Dice of all pixels of a batch.

    The reports R0, R2 and R3 average in this way. Pooling gives large pets more weight, so the
    value is higher than the mean over images (by about one point at their batch sizes) and depends
    on the order of the images.

    Args:
        counts: pixel counts of all images, in their order.
        batch_size: number of images in a batch; the last batch may be smaller and counts as much.
    """
    starts = np.arange(0, len(counts), batch_size)
    tp, fp, fn, _ = np.add.reduceat(np.array(counts, np.int64), starts).T
    return float(dice(tp, fp, fn).mean())


def summarise(counts: Sequence[Confusion]) -> dict[str, float | int]:
    """Reduce the counts of all images to the metrics of ``metrics.json``.

    Those of ``ImageTable.metrics``, with ``num_images``, and ``num_empty``: images whose ground
    truth has no foreground.
    """
    table = ImageTable(counts)
    metrics = table.metrics(table.values.sum(0))
    return {name: float(value) for name, value in metrics.items()} | dict(
        num_images=len(counts), num_empty=sum(c.tp + c.fn == 0 for c in counts)
    )
