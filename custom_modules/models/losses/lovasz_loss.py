"""Lovász hinge (Berman et al., CVPR 2018): a convex stand-in for the IoU of each image."""

import torch
from mmengine.registry import MODELS
from torch import nn

from ..foreground_logits import foreground_logits
from .target import foreground_and_valid, in_float32


@MODELS.register_module()
class LovaszHingeLoss(nn.Module):
    """Mean over images of the Lovász extension of ``1 - IoU`` at the hinge errors of the pixels.

    The error of a pixel is ``max(0, 1 - z)`` where it is foreground, ``max(0, 1 + z)`` where it is
    not, z its logit. It works at the end of a training, or beside the cross-entropy: pixels whose
    logit is beyond 1 on the right side get no gradient.

    Args:
        loss_weight: factor of this loss term in the sum.
        loss_name: key of this loss term; MMEngine sums and trains keys that contain ``loss``.
    """

    def __init__(self, loss_weight: float = 1.0, loss_name: str = 'loss_lovasz') -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the scalar loss of logits (N, 1 or 2, H, W), target (N, H, W) of 0, 1, 255."""
        logits = foreground_logits(in_float32(logits))
        foreground, valid = foreground_and_valid(logits, target)
        terms = [
            _of_image(z[counts == 1], truth[counts == 1])
            for z, truth, counts in zip(logits, foreground, valid, strict=True)
        ]
        return self.loss_weight * torch.stack(terms).mean()


def _of_image(logits: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """Return the loss of the pixels (P,) of an image; 0 where there is none."""
    errors, order = (1 - logits * (2 * truth - 1)).sort(descending=True)
    sorted_truth = truth[order]
    # 1 - IoU where the 1, 2, 3, ... pixels with the largest errors are wrong.
    intersection = sorted_truth.sum() - sorted_truth.cumsum(0)
    union = sorted_truth.sum() + (1 - sorted_truth).cumsum(0)
    costs = 1 - intersection / union
    steps = costs.diff(prepend=costs.new_zeros(1))
    return (errors.relu() * steps).sum()
