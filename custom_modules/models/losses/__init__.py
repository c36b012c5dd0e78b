"""Losses on logits; 255 in the target means that the pixel does not count."""

from .bce_loss import BinaryCrossEntropyLoss
from .cross_entropy_loss import TwoChannelCrossEntropyLoss
from .dice_loss import BinaryDiceLoss

__all__ = ['BinaryCrossEntropyLoss', 'BinaryDiceLoss', 'TwoChannelCrossEntropyLoss']
