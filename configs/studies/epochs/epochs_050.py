"""50 epochs."""

_base_ = './_base_.py'
