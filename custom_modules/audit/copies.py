"""Labels that are the label of another image: saved twice, or paired with the wrong one."""

import cv2
import numpy as np

#: Side at which labels are compared, in pixels.
_SIDE = 32

#: Copies overlap at least this much there, as Dice; resized twice they are not equal.
_SAME = 0.98

#: Rows that are compared with all others at a time.
_CHUNK = 256


def fingerprint(label: np.ndarray) -> np.ndarray:
    """Return how much of each cell of a grid is foreground, (1024,) uint8.

    Args:
        label: (H, W) uint8, 0, 1 or 255 (ignored).
    """
    foreground = (label == 1).astype(np.float32)
    small = cv2.resize(foreground, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return (255 * small).round().astype(np.uint8).ravel()


def find_copies(prints: np.ndarray) -> dict[int, int]:
    """Return for each label that has a copy the one that is most like it, by their indices.

    Labels without foreground, or with nothing else, are all alike and no copies.

    Args:
        prints: fingerprints of the labels, (N, 1024) uint8.
    """
    mean = prints.mean(axis=1)
    told = np.flatnonzero((mean > 0) & (mean < 255))
    some = prints[told].astype(np.float32)
    unit = some / np.linalg.norm(some, axis=1, keepdims=True)
    copies: dict[int, int] = {}
    for start in range(0, len(told), _CHUNK):
        alike = unit[start : start + _CHUNK] @ unit.T
        rows = np.arange(len(alike))
        alike[rows, start + rows] = -1  # itself
        nearest = alike.argmax(axis=1) if len(told) > 1 else rows[:0]
        for row, other in zip(start + rows, nearest, strict=False):
            both = float((some[row] + some[other]).sum())
            if np.minimum(some[row], some[other]).sum() * 2 >= _SAME * both:
                copies[int(told[row])] = int(told[other])
    return copies
