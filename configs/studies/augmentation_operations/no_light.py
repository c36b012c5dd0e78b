"""Without brightness, contrast and gamma."""

_base_ = './_base_.py'

light_prob = 0.0
