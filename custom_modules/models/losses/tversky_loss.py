"""Tversky loss (Salehi et al., MLMI 2017) and the soft IoU, which is one of its cases."""

import torch
from mmengine.registry import MODELS
from torch import nn

from ...base.errors import UserError
from ..foreground_logits import foreground_logits
from .target import foreground_and_valid, in_float32


@MODELS.register_module()
class BinaryTverskyLoss(nn.Module):
    """``(1 - (I + smooth) / (I + alpha FP + beta FN + smooth)) ^ gamma`` of probabilities p.

    I = sum(p t), FP = sum(p (1 - t)), FN = sum((1 - p) t). With alpha = beta = 0.5 it is the Dice
    loss (with twice its ``smooth``), with both 1 the soft IoU; beta above alpha finds more of what
    is rare. Ignored pixels take part in no sum. Of an empty target the formula with smooth 0 is 1
    whatever is predicted; in its place stands the mean probability there.

    Args:
        alpha: cost of what is invented.
        beta: cost of what is missed.
        gamma: exponent (Abraham and Khan, ISBI 2019: 0.75): below 1, what is nearly right is still
            taught; above 1, what is far from right counts most.
        over: what is summed over: 'batch', all pixels of the batch, or 'image', those of each
            image, followed by a mean over images.
        smooth: number added to numerator and denominator.
        loss_weight: factor of this loss term in the sum.
        loss_name: key of this loss term; MMEngine sums and trains keys that contain ``loss``.

    Raises:
        UserError: ``over`` is neither 'batch' nor 'image'.
    """

    def __init__(
        self,
        alpha: float = 0.3,
        beta: float = 0.7,
        gamma: float = 1.0,
        over: str = 'batch',
        smooth: float = 0.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_tversky',
    ) -> None:
        super().__init__()
        if over not in ('batch', 'image'):
            raise UserError(
                f"{type(self).__name__}: over={over!r} is not allowed; use 'batch' or 'image'"
            )
        self.alpha = alpha
        self.beta = beta
        self.gamma = gamma
        self.over = over
        self.smooth = smooth
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the scalar loss of logits (N, 1 or 2, H, W), target (N, H, W) of 0, 1, 255."""
        logits = foreground_logits(in_float32(logits))
        foreground, valid = foreground_and_valid(logits, target)
        probability = logits.sigmoid() * valid
        pixels = (0, 1, 2, 3) if self.over == 'batch' else (1, 2, 3)
        found = (probability * foreground).sum(pixels)
        invented = self.alpha * (probability.sum(pixels) - found)
        missed = self.beta * (foreground.sum(pixels) - found)
        wrong = invented + missed
        loss = wrong / (found + wrong + self.smooth).clamp_min(1e-7)
        if not self.smooth:
            mean = probability.sum(pixels) / valid.sum(pixels).clamp_min(1)
            loss = torch.where(foreground.sum(pixels) == 0, mean, loss)
        if self.gamma != 1:
            # At 0 the power has a gradient without bound; there is nothing left to learn.
            loss = torch.where(loss > 1e-7, loss.clamp_min(1e-7) ** self.gamma, loss)
        return self.loss_weight * loss.mean()


@MODELS.register_module()
class BinaryIoULoss(BinaryTverskyLoss):
    """``1 - (I + smooth) / (U + smooth)``, the soft IoU (Rahman and Wang, ISVC 2016).

    Args:
        over: what is summed over: 'batch' or 'image', see BinaryTverskyLoss.
        smooth: number added to numerator and denominator.
        loss_weight: factor of this loss term in the sum.
        loss_name: key of this loss term; MMEngine sums and trains keys that contain ``loss``.
    """

    def __init__(
        self,
        over: str = 'batch',
        smooth: float = 0.0,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_iou',
    ) -> None:
        super().__init__(1.0, 1.0, 1.0, over, smooth, loss_weight, loss_name)
