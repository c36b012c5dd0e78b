"""Without the random crop; the rotation stays as likely as it was."""

_base_ = './_base_.py'

crop_or_rotation_prob = 0.25
crop_weight = 0.0
