"""Whether an exported network gives the masks of the network it came from."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import torch

from ..evaluation.confusion import count_pixels, dice
from ..models.foreground_logits import check_logits
from .exportable_model import ExportableModel
from .onnx_files import Logits

#: Difference of the Dice that is still the same model, by precision.
TOLERANCES = {'fp32': 0.0005, 'fp16': 0.005, 'int8': 0.005}


@dataclass(frozen=True)
class Parity:
    """An exported network against PyTorch in float32.

    Attributes:
        images: compared.
        split: of the data set.
        probability: largest difference of the probability of a pixel.
        flipped: share of the pixels that are foreground in one and not in the other.
        dice: mean over images in PyTorch.
        dice_difference: of the exported network's to that.
    """

    images: int
    split: str
    probability: float
    flipped: float
    dice: float
    dice_difference: float

    @property
    def keeps_the_masks(self) -> bool:
        """Whether all but a pixel in a thousand are the same, and the Dice is."""
        return self.flipped <= 0.001 and abs(self.dice_difference) <= TOLERANCES['fp32']

    def describe(self) -> str:
        """Return a line."""
        return (
            f'{self.images:,} images of the split {self.split!r}: Dice {self.dice:.4f}, '
            f'{self.dice_difference:+.5f} here; {self.flipped:.5%} of the pixels flip, '
            f'a probability differs by {self.probability:.2g} at most'
        )

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def compare(
    network: ExportableModel,
    exported: Logits,
    batches: Iterable[tuple[np.ndarray, np.ndarray]],
    threshold: float,
    split: str,
) -> Parity:
    """Compare on real images.

    Args:
        network: in float32.
        exported: what came of it, read back from its file.
        batches: images (N, 3, H, W) uint8 RGB, and masks (N, H, W) of 0, 1 and 255 (ignored).
        threshold: a pixel is foreground if its probability is greater.
        split: of the images.

    Raises:
        UserError: one of the two gives NaN.
    """
    largest, flipped, pixels = 0.0, 0, 0
    scores: list[np.ndarray] = []
    for images, masks in batches:
        with torch.inference_mode():
            logits = network(torch.from_numpy(images)), torch.from_numpy(exported(images))
        for one, name in zip(logits, ('the checkpoint', 'the exported network'), strict=True):
            check_logits(one, name)
        expected, found = (torch.sigmoid(one)[:, 0].numpy() for one in logits)
        largest = max(largest, float(np.abs(expected - found).max()))
        flipped += int(((expected > threshold) != (found > threshold)).sum())
        pixels += expected.size
        scores.append(np.stack([_dice(p > threshold, masks) for p in (expected, found)]))
    both = np.concatenate(scores, axis=1)
    mean, after = both.mean(axis=1)
    return Parity(both.shape[1], split, largest, flipped / pixels, float(mean), float(after - mean))


def _dice(predictions: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """Return the Dice of each image of a batch (N, H, W)."""
    counts = [count_pixels(*pair) for pair in zip(predictions, masks, strict=True)]
    return np.array([float(dice(one.tp, one.fp, one.fn)) for one in counts])
