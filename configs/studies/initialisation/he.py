"""He: normal, fan-out."""

_base_ = './_base_.py'
