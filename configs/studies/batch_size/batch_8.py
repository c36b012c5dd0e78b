"""8 images."""

_base_ = './_base_.py'
