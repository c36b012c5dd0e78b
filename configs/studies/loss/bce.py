"""Binary cross-entropy alone."""

_base_ = './_base_.py'

losses = [dict(type='BinaryCrossEntropyLoss')]
