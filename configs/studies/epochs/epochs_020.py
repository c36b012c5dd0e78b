"""20 epochs."""

_base_ = './_base_.py'

max_epochs = 20
