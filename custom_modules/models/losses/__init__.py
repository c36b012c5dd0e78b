"""Losses on logits; 255 in the target means that the pixel does not count."""

from .bce_loss import BinaryCrossEntropyLoss
from .boundary_loss import BoundaryLoss
from .centerline_dice_loss import CenterlineDiceLoss
from .cross_entropy_loss import TwoChannelCrossEntropyLoss
from .dice_loss import BinaryDiceLoss
from .focal_loss import BinaryFocalLoss
from .lovasz_loss import LovaszHingeLoss
from .tversky_loss import BinaryIoULoss, BinaryTverskyLoss

__all__ = [
    'BinaryCrossEntropyLoss',
    'BinaryDiceLoss',
    'BinaryFocalLoss',
    'BinaryIoULoss',
    'BinaryTverskyLoss',
    'BoundaryLoss',
    'CenterlineDiceLoss',
    'LovaszHingeLoss',
    'TwoChannelCrossEntropyLoss',
]
