"""Of ImageNet."""

_base_ = './_base_.py'

preprocessor = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])
