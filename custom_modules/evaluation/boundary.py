"""How well the outline fits: boundary IoU and normalised surface Dice."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from mmengine.registry import METRICS

from ..base.errors import UserError
from ..datasets.ground_truth import ground_truth
from .confusion import iou, ratio
from .per_image_metric import PerImageMetric


class BoundaryCounts(NamedTuple):
    """Pixels of the bands along both outlines, and of the outlines themselves, of one image."""

    band_both: int
    band_only_prediction: int
    band_only_truth: int
    outline_near: int
    outline_far: int


def count_boundary(
    prediction: np.ndarray, target: np.ndarray, width: int, tolerance: int
) -> BoundaryCounts:
    """Count what boundary IoU and surface Dice are made of.

    - The band of a mask are its pixels at most ``width`` from the outside, in Chebyshev distance
      (Cheng et al., *Boundary IoU*, CVPR 2021).
    - The outline of a mask are its pixels with a side next to the outside, as MONAI and DeepMind's
      surface-distance take it; a corner alone does not count. A pixel of one outline is near if a
      pixel of the other lies at most ``tolerance`` from it, in Euclidean distance (Nikolov et al.,
      2018, with pixels in place of surface elements).

    Outside the frame nothing is foreground: a mask that is cut by the frame has its outline there.

    Ignored pixels are background of both masks.

    Args:
        prediction: predicted mask, (H, W), 0 or 1.
        target: ground truth, (H, W), 0, 1 or 255 (ignored).
        width: width of the band in pixels.
        tolerance: largest distance in pixels between two outlines that are near each other.
    """
    truth = (target == 1).astype(np.uint8)
    guess = ((prediction == 1) & (target != 255)).astype(np.uint8)
    truth_band, guess_band = _band(truth, width), _band(guess, width)
    both = _count(truth_band & guess_band)
    truth_line, guess_line = _outline(truth), _outline(guess)
    reach = _disc(tolerance)
    near = _count(truth_line & cv2.dilate(guess_line, reach))
    near += _count(guess_line & cv2.dilate(truth_line, reach))
    return BoundaryCounts(
        band_both=both,
        band_only_prediction=_count(guess_band) - both,
        band_only_truth=_count(truth_band) - both,
        outline_near=near,
        outline_far=_count(truth_line) + _count(guess_line) - near,
    )


def _band(mask: np.ndarray, width: int) -> np.ndarray:
    return mask - _eroded(mask, np.ones((2 * width + 1, 2 * width + 1), np.uint8))


def _outline(mask: np.ndarray) -> np.ndarray:
    return mask - _eroded(mask, cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3)))


def _eroded(mask: np.ndarray, element: np.ndarray) -> np.ndarray:
    return cv2.erode(mask, element, borderType=cv2.BORDER_CONSTANT, borderValue=0)


def _count(mask: np.ndarray) -> int:
    return int(np.count_nonzero(mask))


@cache
def _disc(radius: int) -> np.ndarray:
    """Return the pixels at most ``radius`` from the middle, (2 radius + 1, 2 radius + 1) uint8."""
    steps = np.arange(-radius, radius + 1)
    return (steps[:, None] ** 2 + steps**2 <= radius**2).astype(np.uint8)


@METRICS.register_module()
class BoundaryMetric(PerImageMetric):
    """``IoU_boundary`` and ``Dice_surface``, means over images.

    Both empty is 1 and one empty 0, as for Dice. After ``evaluate``, ``per_image`` holds a row per
    image (rank 0): the counts, ``touches_frame`` (1 if the foreground of the truth does),
    ``iou_boundary`` and ``dice_surface``.

    Args:
        width: width of the band, as a share of the image's diagonal; at least one pixel.
        tolerance: tolerance of the surface Dice, as a share of the diagonal; at least one pixel.

    Raises:
        UserError: ``width`` or ``tolerance`` is not above 0 and below 1.
    """

    per_image: list[dict]

    def __init__(self, width: float = 0.02, tolerance: float = 0.01) -> None:
        super().__init__()
        for name, share in (('width', width), ('tolerance', tolerance)):
            if not 0 < share < 1:
                raise UserError(
                    f"BoundaryMetric: {name}={share!r} is not allowed; use a share of the image's "
                    'diagonal above 0 and below 1'
                )
        self.width = width
        self.tolerance = tolerance

    def process(self, data_batch: dict, data_samples: Sequence[dict]) -> None:
        for sample in data_samples:
            prediction = sample['pred_sem_seg']['data'][0].cpu().numpy()
            target = ground_truth(sample).cpu().numpy()
            diagonal = float(np.hypot(*target.shape))
            counts = count_boundary(
                prediction, target, _pixels(self.width, diagonal), _pixels(self.tolerance, diagonal)
            )
            frame = (target[[0, -1]] == 1).any() or (target[:, [0, -1]] == 1).any()
            self.results.append(counts._asdict() | dict(touches_frame=int(frame)))

    def compute_metrics(self, results: list[dict]) -> dict[str, float]:
        columns = [[row[name] for name in BoundaryCounts._fields] for row in results]
        both, first, second, near, far = np.array(columns, np.int64).T
        bands, surfaces = iou(both, first, second), ratio(near, far)
        self.per_image = [
            row | dict(iou_boundary=float(band), dice_surface=float(surface))
            for row, band, surface in zip(results, bands, surfaces, strict=True)
        ]
        return dict(IoU_boundary=float(bands.mean()), Dice_surface=float(surfaces.mean()))


def _pixels(share: float, diagonal: float) -> int:
    return max(1, round(share * diagonal))
