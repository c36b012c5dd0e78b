"""Centreline Dice loss (clDice; Shit et al., CVPR 2021): thin things stay in one piece."""

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import nn

from ..foreground_logits import foreground_logits
from .target import foreground_and_valid, in_float32


@MODELS.register_module()
class CenterlineDiceLoss(nn.Module):
    """``1 - 2 P S / (P + S)``: P, the share of the predicted skeleton that lies in the true mask,
    and S, that of the true skeleton that lies in the predicted one; mean over images.

    A vein that is one pixel too thick costs nothing, one with a gap does. The paper takes it beside
    the Dice loss, with a weight of 0.5 or less.

    Args:
        iterations: number of erosions of the soft skeleton, at least half the width in pixels of
            the widest thing.
        smooth: number added to numerators and denominators of P and S.
        loss_weight: factor of this loss term in the sum.
        loss_name: key of this loss term; MMEngine sums and trains keys that contain ``loss``.
    """

    def __init__(
        self,
        iterations: int = 10,
        smooth: float = 1.0,
        loss_weight: float = 0.5,
        loss_name: str = 'loss_cldice',
    ) -> None:
        super().__init__()
        self.iterations = iterations
        self.smooth = smooth
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the scalar loss of logits (N, 1 or 2, H, W), target (N, H, W) of 0, 1, 255."""
        logits = foreground_logits(in_float32(logits))
        foreground, valid = foreground_and_valid(logits, target)
        probability = logits.sigmoid() * valid
        precision = self._share(soft_skeleton(probability, self.iterations), foreground)
        sensitivity = self._share(soft_skeleton(foreground, self.iterations), probability)
        loss = 1 - 2 * precision * sensitivity / (precision + sensitivity)
        return self.loss_weight * loss.mean()

    def _share(self, skeleton: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Return for each image (N,) how much of a skeleton lies in a mask."""
        inside = (skeleton * mask).sum((1, 2, 3))
        return (inside + self.smooth) / (skeleton.sum((1, 2, 3)) + self.smooth)


def soft_skeleton(mask: torch.Tensor, iterations: int) -> torch.Tensor:
    """Return what openings take away while a mask is eroded, again and again.

    Args:
        mask: probabilities or masks (N, 1, H, W), float, 0 to 1.
        iterations: number of erosions.
    """
    skeleton = F.relu(mask - _open(mask))
    for _ in range(iterations):
        mask = _erode(mask)
        lost = F.relu(mask - _open(mask))
        skeleton = skeleton + F.relu(lost - skeleton * lost)
    return skeleton


def _erode(mask: torch.Tensor) -> torch.Tensor:
    """Return the least of a pixel and its four neighbours."""
    down = -F.max_pool2d(-mask, (3, 1), 1, (1, 0))
    across = -F.max_pool2d(-mask, (1, 3), 1, (0, 1))
    return torch.minimum(down, across)


def _open(mask: torch.Tensor) -> torch.Tensor:
    return F.max_pool2d(_erode(mask), 3, 1, 1)
