"""1e-5."""

_base_ = './_base_.py'

learning_rate = 1e-5
