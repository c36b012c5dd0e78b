"""Focal loss (Lin et al., ICCV 2017): cross-entropy that forgets what is easy."""

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import nn

from ..foreground_logits import foreground_logits
from .target import foreground_and_valid, in_float32


@MODELS.register_module()
class BinaryFocalLoss(nn.Module):
    """Mean over the valid pixels of ``-a (1 - q)^gamma log q``, q the probability of the truth.

    Args:
        gamma: how fast a pixel that is found counts less; 0 is the cross-entropy.
        alpha: ``a`` of the foreground, that of the background is ``1 - alpha``; None for 1 each.
            The paper takes 0.25 with gamma 2.
        loss_weight: factor of this loss term in the sum.
        loss_name: key of this loss term; MMEngine sums and trains keys that contain ``loss``.
    """

    def __init__(
        self,
        gamma: float = 2.0,
        alpha: float | None = None,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_focal',
    ) -> None:
        super().__init__()
        self.gamma = gamma
        self.alpha = alpha
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the scalar loss of logits (N, 1 or 2, H, W), target (N, H, W) of 0, 1, 255."""
        logits = foreground_logits(in_float32(logits))
        foreground, valid = foreground_and_valid(logits, target)
        cost = F.binary_cross_entropy_with_logits(logits, foreground, reduction='none')
        # 1 - q is the sigmoid of the logit of what is wrong, exact where q is nearly 1.
        wrong = torch.sigmoid(torch.where(foreground == 1, -logits, logits))
        pixels = wrong**self.gamma * cost * valid
        if self.alpha is not None:
            pixels = pixels * torch.where(foreground == 1, self.alpha, 1 - self.alpha)
        return self.loss_weight * pixels.sum() / valid.sum().clamp_min(1)
