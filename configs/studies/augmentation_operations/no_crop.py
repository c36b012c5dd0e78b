"""Without the random crop."""

_base_ = './_base_.py'

crop_weight = 0.0
