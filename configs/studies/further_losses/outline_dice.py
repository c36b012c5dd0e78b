"""Binary cross-entropy with ten times the weight at the outline + Dice loss."""

_base_ = './_base_.py'

losses = [
    dict(type='BinaryCrossEntropyLoss', outline_weight=10),
    dict(type='BinaryDiceLoss'),
]
