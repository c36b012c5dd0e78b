"""Pixels counted first, figures second: integers per image and the named reductions of them."""

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
        prediction: (H, W), 0 or 1.
        target: (H, W), 0, 1 or 255 (ignored).
    """
    assert prediction.shape == target.shape, (prediction.shape, target.shape)
    table = np.bincount((target.astype(np.int64) * 2 + prediction).ravel(), minlength=4)
    tn, fp, fn, tp = table[:4].tolist()
    return Confusion(tp, fp, fn, tn)


def dice(both: Count, only_first: Count, only_second: Count) -> np.ndarray:
    """``2 TP / (2 TP + FP + FN)``; 1 where both masks are empty, so 0 where one of them is."""
    total = 2 * both + only_first + only_second
    return np.where(total > 0, 2 * both / np.maximum(total, 1), 1.0)


def iou(both: Count, only_first: Count, only_second: Count) -> np.ndarray:
    """``TP / (TP + FP + FN)``; 1 where both masks are empty, so 0 where one of them is."""
    union = both + only_first + only_second
    return np.where(union > 0, both / np.maximum(union, 1), 1.0)


def ratio(part: int, rest: int) -> float:
    """``part / (part + rest)``, 1 where there is nothing to divide (nothing was missed)."""
    return part / (part + rest) if part + rest else 1.0


def summarise(counts: list[Confusion]) -> dict[str, float | int]:
    """Reduce the counts of all images to the figures of ``metrics.json``.

    - ``Dice``, ``IoU``: mean over images. ``Dice_background``: the same of class 0.
    - ``Dice_global``, ``IoU_global``, ``precision``, ``recall``: of the pixels of all images.
    - ``num_images``, and ``num_empty``: images whose ground truth has no foreground.
    """
    table = np.array(counts, np.int64)
    tp, fp, fn, tn = table.T
    all_tp, all_fp, all_fn, _ = table.sum(0).tolist()
    return dict(
        Dice=float(dice(tp, fp, fn).mean()),
        Dice_global=float(dice(all_tp, all_fp, all_fn)),
        IoU=float(iou(tp, fp, fn).mean()),
        IoU_global=float(iou(all_tp, all_fp, all_fn)),
        Dice_background=float(dice(tn, fn, fp).mean()),
        precision=ratio(all_tp, all_fp),
        recall=ratio(all_tp, all_fn),
        num_images=len(counts),
        num_empty=int((tp + fn == 0).sum()),
    )
