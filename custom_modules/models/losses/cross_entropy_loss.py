"""Cross-entropy of two output channels (R2's UNet)."""

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import nn

from .target import IGNORE_INDEX, in_float32


@MODELS.register_module()
class TwoChannelCrossEntropyLoss(nn.Module):
    """Mean over the valid pixels of the batch of ``-log softmax(logits)[target]``.

    The same function as BinaryCrossEntropyLoss of the difference of the two channels.

    Args:
        loss_weight: factor of this loss term in the sum.
        loss_name: key of this loss term; MMEngine sums and trains keys that contain ``loss``.
    """

    def __init__(self, loss_weight: float = 1.0, loss_name: str = 'loss_ce') -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the scalar loss of logits (N, 2, H, W) and target (N, H, W) of 0, 1, 255."""
        assert logits.shape[1] == 2, logits.shape
        pixels = F.cross_entropy(
            in_float32(logits), target.long(), ignore_index=IGNORE_INDEX, reduction='sum'
        )
        return self.loss_weight * pixels / (target != IGNORE_INDEX).sum().clamp_min(1)
