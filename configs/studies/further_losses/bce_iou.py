"""Binary cross-entropy + soft IoU."""

_base_ = './_base_.py'

losses = [
    dict(type='BinaryCrossEntropyLoss'),
    dict(type='BinaryIoULoss'),
]
