"""Dice loss (Milletari et al., 3DV 2016, with plain sums in the denominator; R0, R1, R3, R4)."""

import torch
from mmengine.registry import MODELS
from torch import nn

from ...base.errors import UserError
from ..foreground_logits import foreground_logits
from .target import foreground_and_valid, in_float32


@MODELS.register_module()
class BinaryDiceLoss(nn.Module):
    """``1 - (2 I + smooth) / (P + T + smooth)`` with I = sum(p t), P = sum(p), T = sum(t).

    A perfect mask costs 0, an inverted one 1 (with smooth 0). Ignored pixels take part in no sum
    and get no gradient. Of an empty target the formula with smooth 0 is 1 whatever is predicted; in
    its place stands the mean probability there, which is 0 for an empty prediction, 1 for a full
    one, and has a gradient.

    Args:
        over: what is summed over: 'batch', all pixels of the batch (R0), or 'image', those of each
            image, followed by a mean over images (R1).
        smooth: number added to numerator and denominator (R1: 1).
        sigmoid: whether to take the sigmoid of the logits. False takes the logits for
            probabilities, the mistake that R3 describes; only for that study.
        loss_weight: factor of this loss term in the sum.
        loss_name: key of this loss term; MMEngine sums and trains keys that contain ``loss``.

    Raises:
        UserError: ``over`` is neither 'batch' nor 'image'.
    """

    def __init__(
        self,
        over: str = 'batch',
        smooth: float = 0.0,
        sigmoid: bool = True,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_dice',
    ) -> None:
        super().__init__()
        if over not in ('batch', 'image'):
            raise UserError(f"BinaryDiceLoss: over={over!r} is not allowed; use 'batch' or 'image'")
        self.over = over
        self.smooth = smooth
        self.sigmoid = sigmoid
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the scalar loss of logits (N, 1 or 2, H, W), target (N, H, W) of 0, 1, 255."""
        logits = foreground_logits(in_float32(logits))
        foreground, valid = foreground_and_valid(logits, target)
        probability = (logits.sigmoid() if self.sigmoid else logits) * valid
        pixels = (0, 1, 2, 3) if self.over == 'batch' else (1, 2, 3)
        intersection = (probability * foreground).sum(pixels)
        total = probability.sum(pixels) + foreground.sum(pixels)
        # 1 - (2I + s) / (total + s), written so that it does not round to below 0.
        loss = (total - 2 * intersection) / (total + self.smooth).clamp_min(1e-7)
        if not self.smooth:
            mean = probability.sum(pixels) / valid.sum(pixels).clamp_min(1)
            loss = torch.where(foreground.sum(pixels) == 0, mean, loss)
        return self.loss_weight * loss.mean()
