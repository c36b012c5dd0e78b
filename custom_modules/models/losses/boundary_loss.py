"""Boundary loss (Kervadec et al., MIDL 2019): what lies far from the outline costs more."""

import cv2
import numpy as np
import torch
from mmengine.registry import MODELS
from torch import nn

from ..foreground_logits import foreground_logits
from .target import foreground_and_valid, in_float32


@MODELS.register_module()
class BoundaryLoss(nn.Module):
    """Mean over the valid pixels of ``p d``, d the distance to the outline, negative inside of it.

    It is lowest for the true mask, below 0 then, and no loss by itself: beside the Dice loss it
    brings outlines nearer and takes away what lies far off. Distances are Euclidean, in pixels,
    from the centre of a pixel to the edge between it and the nearest of the other side. An image
    that is all foreground or has none takes no part.

    Args:
        loss_weight: factor of this loss term in the sum. Distances are large numbers: the paper
            begins with 0.01.
        loss_name: key of this loss term; MMEngine sums and trains keys that contain ``loss``.
    """

    def __init__(self, loss_weight: float = 0.01, loss_name: str = 'loss_boundary') -> None:
        super().__init__()
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def forward(self, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Return the scalar loss of logits (N, 1 or 2, H, W), target (N, H, W) of 0, 1, 255."""
        logits = foreground_logits(in_float32(logits))
        foreground, valid = foreground_and_valid(logits, target)
        pixels = logits.sigmoid() * signed_distances(foreground) * valid
        return self.loss_weight * pixels.sum() / valid.sum().clamp_min(1)


def signed_distances(foreground: torch.Tensor) -> torch.Tensor:
    """Return the distance of each pixel to the outline, in pixels, negative inside of a mask.

    Args:
        foreground: masks (N, 1, H, W), float, 1 where the pixel is foreground.

    Returns:
        (N, 1, H, W) of the same dtype and device; zeros where an image has no outline.
    """
    masks = foreground[:, 0].byte().cpu().numpy()
    distances = np.stack([_of_mask(mask) for mask in masks])[:, None]
    return torch.from_numpy(distances).to(foreground)


def _of_mask(mask: np.ndarray) -> np.ndarray:
    if mask.all() or not mask.any():
        return np.zeros(mask.shape, np.float32)
    outside, inside = (
        cv2.distanceTransform(side, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) for side in (1 - mask, mask)
    )
    # Distances are to the centre of the nearest pixel of the other side: half a pixel too far.
    return np.where(mask, 0.5 - inside, outside - 0.5)
