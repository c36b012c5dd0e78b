"""Binary cross-entropy + Lovász hinge."""

_base_ = './_base_.py'

losses = [
    dict(type='BinaryCrossEntropyLoss'),
    dict(type='LovaszHingeLoss'),
]
