"""Of the training images."""

_base_ = './_base_.py'
