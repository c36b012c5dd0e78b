"""2 images."""

_base_ = './_base_.py'

batch_size = 2
