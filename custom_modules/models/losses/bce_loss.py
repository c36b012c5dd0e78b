"""Binary cross-entropy on logits (all reports)."""

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import nn

from ..foreground_logits import foreground_logits
from .target import foreground_and_valid, in_float32


@MODELS.register_module()
class BinaryCrossEntropyLoss(nn.Module):
    """Mean over the valid pixels of the batch of ``-t log p - (1 - t) log(1 - p)``, p = sigmoid.

    Computed on logits: the same function as on probabilities (R0), numerically stable.

    Args:
        pos_weight: factor of the foreground's pixels, as in PyTorch's BCEWithLogitsLoss: above 1
            where the foreground is rare. The mean stays that over the number of pixels.
        loss_weight: factor of this loss term in the sum.
        loss_name: key of this loss term; MMEngine sums and trains keys that contain ``loss``.
    """

    def __init__(
        self, loss_weight: float = 1.0, loss_name: str = 'loss_bce', pos_weight: float = 1.0
    ) -> None:
        super().__init__()
        self.pos_weight = pos_weight
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the scalar loss of logits (N, 1 or 2, H, W), target (N, H, W) of 0, 1, 255."""
        logits = foreground_logits(in_float32(logits))
        foreground, valid = foreground_and_valid(logits, target)
        factor = None if self.pos_weight == 1 else logits.new_tensor(self.pos_weight)
        pixels = F.binary_cross_entropy_with_logits(
            logits, foreground, weight=valid, reduction='sum', pos_weight=factor
        )
        return self.loss_weight * pixels / valid.sum().clamp_min(1)
