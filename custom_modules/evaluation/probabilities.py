"""What the probabilities say: calibration, and the Dice of every threshold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.registry import METRICS

from ..datasets.ground_truth import ground_truth
from .confusion import dice
from .per_image_metric import PerImageMetric

#: The thresholds of the curve: 0.01 to 0.99.
THRESHOLDS = torch.arange(1, 100) / 100

#: Bins of the reliability diagram, of equal width.
BINS = 10

#: Pixels that are counted at a time: each takes some 40 bytes meanwhile.
_BLOCK = 2**22


@dataclass(frozen=True)
class ProbabilityCounts:
    """The probabilities of one image, counted; ignored pixels are in none of it.

    Attributes:
        histogram: (2, 100) int32; numbers of pixels of the background and of the foreground with
            probabilities in (0.00, 0.01], (0.01, 0.02], ..., (0.99, 1.00]; 0 is in the first.
        confidence: (10,) float64; sum of the probabilities in (0.0, 0.1], ..., (0.9, 1.0].
        squared_error: sum of the squared differences between probability and truth.
    """

    histogram: np.ndarray
    confidence: np.ndarray
    squared_error: float


def count_probabilities(logits: torch.Tensor, target: torch.Tensor) -> ProbabilityCounts:
    """Count the probabilities of one image.

    Args:
        logits: logits of the foreground, (H, W), float.
        target: ground truth, (H, W) uint8, 0, 1 or 255 (ignored).
    """
    rows = max(1, _BLOCK // max(1, logits.shape[1]))
    blocks = [_count(*pair) for pair in zip(logits.split(rows), target.split(rows), strict=True)]
    return ProbabilityCounts(
        histogram=sum((one.histogram for one in blocks[1:]), blocks[0].histogram),
        confidence=sum((one.confidence for one in blocks[1:]), blocks[0].confidence),
        squared_error=sum(one.squared_error for one in blocks),
    )


def _count(logits: torch.Tensor, target: torch.Tensor) -> ProbabilityCounts:
    probabilities = logits.sigmoid()
    # As a mask is probability > threshold, a probability of 0.5 is below the threshold 0.5.
    bins = torch.bucketize(probabilities, THRESHOLDS.to(probabilities.device)).cpu().numpy()
    truth = target.cpu().numpy()
    values = probabilities.cpu().numpy()
    cells = len(THRESHOLDS) + 1
    table = np.bincount((truth.astype(np.int64) * cells + bins).ravel(), minlength=256 * cells)
    counted = truth != 255
    confidence = np.bincount(
        bins.ravel(), weights=(values * counted).ravel(), minlength=cells
    ).reshape(BINS, -1)
    errors = ((values - truth) * counted).ravel()
    return ProbabilityCounts(
        histogram=table[: 2 * cells].reshape(2, cells).astype(np.int32),
        confidence=confidence.sum(1),
        squared_error=float(np.dot(errors, errors)),
    )


def calibration(images: Sequence[ProbabilityCounts]) -> dict[str, object]:
    """Compare the probabilities of the foreground with how often it was there.

    - ``Brier``: mean over all pixels of the squared difference (Brier, 1950).
    - ``ECE``: mean over all pixels of the distance between the mean probability of their bin and
      the share of foreground in it (expected calibration error, Naeini et al., AAAI 2015).
    - ``bins``: ``from``, ``to``, ``pixels``, mean ``probability`` and share of ``foreground`` of
      each; the latter two are None where there are no pixels.
    """
    histogram = np.sum([image.histogram for image in images], axis=0, dtype=np.int64)
    background, foreground = histogram.reshape(2, BINS, -1).sum(2)
    pixels = background + foreground
    confidence = np.sum([image.confidence for image in images], axis=0)
    total = max(1, int(pixels.sum()))
    bins = [
        {
            'from': n / BINS,
            'to': (n + 1) / BINS,
            'pixels': int(number),
            'probability': float(confidence[n] / number) if number else None,
            'foreground': float(foreground[n] / number) if number else None,
        }
        for n, number in enumerate(pixels)
    ]
    return dict(
        Brier=sum(image.squared_error for image in images) / total,
        ECE=float(np.abs(confidence - foreground).sum() / total),
        bins=bins,
    )


def threshold_curve(images: Sequence[ProbabilityCounts]) -> dict[str, list[float]]:
    """Return ``thresholds`` and the ``Dice``, mean over images, that each would give."""
    total = np.zeros(len(THRESHOLDS))
    for image in images:
        background, foreground = image.histogram
        tp = foreground.sum() - foreground.cumsum()[:-1]
        fp = background.sum() - background.cumsum()[:-1]
        total += dice(tp, fp, foreground.sum() - tp)
    thresholds = (np.arange(len(THRESHOLDS)) + 1) / 100
    return dict(thresholds=thresholds.tolist(), Dice=(total / len(images)).tolist())


def best_threshold(curve: dict[str, list[float]]) -> tuple[float, float]:
    """Return the threshold with the highest Dice, and that Dice.

    Of equal ones the nearest to 0.5, of two as near the lower.
    """
    pairs = zip(curve['thresholds'], curve['Dice'], strict=True)
    threshold, score = min(pairs, key=lambda pair: (-pair[1], round(abs(pair[0] - 0.5), 2), pair))
    return threshold, score


@METRICS.register_module()
class ProbabilityMetric(PerImageMetric):
    """Calibration and the threshold curve; a few hundred integers per image, no probability map.

    After ``evaluate``, ``images`` holds the counts of each image (rank 0).

    Args:
        choose_threshold: whether to return ``threshold``, the one with the highest Dice, and
            ``threshold_Dice`` as metrics. Only for images that the model is not tested on.
    """

    images: list[ProbabilityCounts]

    def __init__(self, choose_threshold: bool = False) -> None:
        super().__init__()
        self.choose_threshold = choose_threshold

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            logits = sample['seg_logits']['data'][0]
            target = ground_truth(sample)
            self.results.append(count_probabilities(logits, target))

    def compute_metrics(self, results: list[ProbabilityCounts]) -> dict[str, float]:
        self.images = list(results)
        if not self.choose_threshold:
            return {}
        threshold, score = best_threshold(threshold_curve(results))
        return dict(threshold=threshold, threshold_Dice=score)
