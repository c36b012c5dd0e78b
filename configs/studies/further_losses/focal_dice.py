"""Focal + Dice loss."""

_base_ = './_base_.py'

losses = [
    dict(type='BinaryFocalLoss'),
    dict(type='BinaryDiceLoss'),
]
