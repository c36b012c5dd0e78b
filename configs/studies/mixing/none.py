"""No mixing."""

_base_ = './_base_.py'
