"""Binary cross-entropy on logits (all reports)."""

import torch
import torch.nn.functional as F
from mmengine.registry import MODELS
from torch import nn

from ..foreground_logits import foreground_logits
from .boundary_loss import signed_distances
from .target import foreground_and_valid, in_float32


@MODELS.register_module()
class BinaryCrossEntropyLoss(nn.Module):
    """Mean over the valid pixels of the batch of ``-t log p - (1 - t) log(1 - p)``, p = sigmoid.

    Computed on logits: the same function as on probabilities (R0), numerically stable.

    Args:
        pos_weight: factor of the foreground's pixels, as in PyTorch's BCEWithLogitsLoss: above 1
            where the foreground is rare. The mean stays that over the number of pixels.
        label_smoothing: share of the truth that is spread over both classes, 0 to 1: a label of 1
            becomes ``1 - label_smoothing / 2``, so that doubtful labels are not learned by heart.
        outline_weight: how much more a pixel at the outline of the mask counts, as in the U-Net
            paper: pixels have the weight ``1 + outline_weight exp(-d^2 / (2 outline_width^2))``, d
            their distance to the outline in pixels. The paper's d is the sum of the distances to
            the two nearest cells; a binary mask has no cells.
        outline_width: width of that band, in pixels; the paper takes 5 with a weight of 10.
        loss_weight: factor of this loss term in the sum.
        loss_name: key of this loss term; MMEngine sums and trains keys that contain ``loss``.
    """

    def __init__(
        self,
        loss_weight: float = 1.0,
        loss_name: str = 'loss_bce',
        pos_weight: float = 1.0,
        label_smoothing: float = 0.0,
        outline_weight: float = 0.0,
        outline_width: float = 5.0,
    ) -> None:
        super().__init__()
        self.pos_weight = pos_weight
        self.label_smoothing = label_smoothing
        self.outline_weight = outline_weight
        self.outline_width = outline_width
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the scalar loss of logits (N, 1 or 2, H, W), target (N, H, W) of 0, 1, 255."""
        logits = foreground_logits(in_float32(logits))
        foreground, valid = foreground_and_valid(logits, target)
        factor = None if self.pos_weight == 1 else logits.new_tensor(self.pos_weight)
        weight = valid
        if self.outline_weight:
            distance = signed_distances(foreground)
            near = torch.exp(-((distance / self.outline_width) ** 2) / 2)
            near = torch.where(distance == 0, 0, near)  # there is no outline
            weight = valid * (1 + self.outline_weight * near)
        if self.label_smoothing:
            foreground = foreground + self.label_smoothing * (0.5 - foreground)
        pixels = F.binary_cross_entropy_with_logits(
            logits, foreground, weight=weight, reduction='sum', pos_weight=factor
        )
        return self.loss_weight * pixels / valid.sum().clamp_min(1)
