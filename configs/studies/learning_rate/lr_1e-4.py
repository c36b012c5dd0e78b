"""1e-4."""

_base_ = './_base_.py'
