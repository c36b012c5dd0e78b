"""Binary cross-entropy + Tversky loss, what is missed costs more than what is invented."""

_base_ = './_base_.py'

losses = [
    dict(type='BinaryCrossEntropyLoss'),
    dict(type='BinaryTverskyLoss'),
]
