"""Losses on one logit per pixel; 255 in the target means that the pixel does not count."""

from .bce_loss import BinaryCrossEntropyLoss
from .dice_loss import BinaryDiceLoss

__all__ = ['BinaryCrossEntropyLoss', 'BinaryDiceLoss']
