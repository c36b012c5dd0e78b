"""Binary cross-entropy of smoothed labels + Dice loss."""

_base_ = './_base_.py'

losses = [
    dict(type='BinaryCrossEntropyLoss', label_smoothing=0.1),
    dict(type='BinaryDiceLoss'),
]
