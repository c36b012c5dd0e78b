"""Without the rotation."""

_base_ = './_base_.py'

rotation_weight = 0.0
