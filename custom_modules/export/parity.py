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
        images: number of images that were compared.
        split: split of the data set that they are of.
        probability: largest difference of a pixel's probability.
        flipped: share of the pixels that are foreground in one network and not in the other, 0 to
            1.
        dice: Dice in PyTorch, mean over images.
        dice_difference: Dice of the exported network minus that of PyTorch.
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
        network: network in PyTorch, in float32.
        exported: exported network, read back from its file.
        batches: pairs of images (N, C, H, W) uint8 and masks (N, H, W) of 0, 1 and 255
            (ignored).
        threshold: probability above which a pixel is foreground.
        split: name of the split that the images are of.

    Raises:
        UserError: one of the two networks gives NaN.
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
