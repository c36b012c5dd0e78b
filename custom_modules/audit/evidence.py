"""What speaks against a label: how much better another one would agree with a network.

The network is one that did not train on the image. Each pixel votes for the foreground with a
weight from -1 to 1, its own doubt halved (a network that trained briefly is too sure of itself).
The agreement of a mask is the sum of the votes inside of it; the network's own mask has the most
that there is. All alternatives of a label are measured in this one unit, so that they compare.
"""

from dataclasses import dataclass

import cv2
import numpy as np

#: How far a label is shifted, grown and shrunk at most, and by what its outline is smoothed, as
#: shares of the image's side (the root of its area).
FARTHEST_SHIFT, LARGEST_BAND, SMOOTHING = 0.2, 0.12, 0.03

#: Pixels, as a share of the image, below which outlines and areas are too small to divide by.
_LEAST = 0.002


@dataclass(frozen=True)
class Evidence:
    """What speaks against the label of an image. Areas and outlines are pixels, as agreements are.

    Attributes:
        pixels: number of pixels that count.
        labelled: number of them that the label calls foreground.
        predicted: number of them that the network calls foreground.
        overlap: Dice of label and network's mask, 0 to 1; 1 where both are empty.
        overlap_inverted: the same of the inverted label.
        outline: mean length of the two outlines.
        lost: what the label agrees less than the network's own mask.
        shift_gain: what the best shift of the label agrees more than the label.
        shift: that shift, (right, down).
        shrink_gain: what the best smaller label agrees more.
        shrink: width of what that lacks all around.
        grow_gain: what the best larger label agrees more.
        grow: width of what that has more all around.
        rough: number of pixels that smoothing the label's outline changes.
        rough_predicted: the same of the network's mask.
    """

    pixels: int
    labelled: int
    predicted: int
    overlap: float
    overlap_inverted: float
    outline: float
    lost: float
    shift_gain: float
    shift: tuple[int, int]
    shrink_gain: float
    shrink: int
    grow_gain: float
    grow: int
    rough: int
    rough_predicted: int

    @property
    def strength(self) -> dict[str, float]:
        """How much speaks for each fault, in shares that do not grow with object or image."""
        least = _LEAST * self.pixels
        return dict(
            disagreement=self.disagreement(self.lost),
            shift=self.disagreement(self.shift_gain),
            size=self.shrink_gain / max(least, self.outline),
            roughness=self.rough / (self.rough_predicted + least),
        )

    def disagreement(self, lost: float) -> float:
        """Return lost agreement as a share of both areas, label's and network's."""
        return lost / max(_LEAST * self.pixels, self.labelled + self.predicted)


def evidence(probability: np.ndarray, label: np.ndarray) -> Evidence:
    """Compare a label with what a network says.

    Args:
        probability: probability of the foreground in each pixel, (H, W) float32, 0 to 1.
        label: (H, W) uint8: 0, 1 or 255 (ignored: has no vote).
    """
    counts = label != 255
    votes = np.where(counts, _votes(probability), 0)
    mask = (label == 1).astype(np.uint8)
    own = (votes > 0).astype(np.uint8)
    agreement = float((votes * mask).sum())
    side = mask.size**0.5
    shifted, shift = _best_shift(votes, mask, round(FARTHEST_SHIFT * side))
    shrink_gain, shrink = _best_band(-votes, mask, round(LARGEST_BAND * side))
    grow_gain, grow = _best_band(votes, 1 - mask, round(LARGEST_BAND * side))
    return Evidence(
        pixels=max(1, int(counts.sum())),
        labelled=int(mask.sum()),
        predicted=int(own.sum()),
        overlap=_dice(mask, own),
        overlap_inverted=_dice((1 - mask) * counts, own),
        outline=(_outline(mask) + _outline(own)) / 2,
        lost=float(votes.clip(0).sum()) - agreement,
        shift_gain=shifted - agreement,
        shift=shift,
        shrink_gain=shrink_gain,
        shrink=shrink,
        grow_gain=grow_gain,
        grow=grow,
        rough=_rough(mask, side),
        rough_predicted=_rough(own, side),
    )


def _votes(probability: np.ndarray) -> np.ndarray:
    """Return 2 q - 1, where the log-odds of q are half those of the probability."""
    likely = probability.astype(np.float64).clip(1e-4, 1 - 1e-4)
    return np.tanh(np.log(likely / (1 - likely)) / 4)


def _dice(first: np.ndarray, second: np.ndarray) -> float:
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0


def _outline(mask: np.ndarray) -> int:
    inside = cv2.erode(mask, np.ones((3, 3), np.uint8), borderType=cv2.BORDER_REPLICATE)
    return int((mask - inside).sum())


def _rough(mask: np.ndarray, side: float) -> int:
    smooth = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), SMOOTHING * side)
    return int(((smooth > 0.5) != mask).sum())


def _best_shift(
    votes: np.ndarray, mask: np.ndarray, farthest: int
) -> tuple[float, tuple[int, int]]:
    """Return the largest agreement of the shifted mask, and that shift: right, down.

    The agreements of all shifts are the cross-correlation of votes and mask.
    """
    height, width = mask.shape
    size = (height + farthest, width + farthest)  # what leaves the image does not come back
    spectrum = np.fft.rfft2(votes, size) * np.fft.rfft2(mask.astype(np.float64), size).conj()
    agreements = np.fft.irfft2(spectrum, size)
    steps = np.r_[0 : farthest + 1, -farthest:0]
    window = agreements[np.ix_(steps, steps)]
    down, right = np.unravel_index(int(window.argmax()), window.shape)
    return float(window.max()), (int(steps[right]), int(steps[down]))


def _best_band(gain: np.ndarray, mask: np.ndarray, largest: int) -> tuple[float, int]:
    """Return the most that a band inside the mask's outline sums up to, and its width in pixels."""
    if not mask.any() or mask.all():
        return 0.0, 0
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    bands = np.bincount(np.ceil(distance).astype(np.intp).ravel(), gain.ravel(), largest + 1)
    gains = np.concatenate([[0.0], bands[1 : largest + 1].cumsum()])
    return float(gains.max()), int(gains.argmax())
