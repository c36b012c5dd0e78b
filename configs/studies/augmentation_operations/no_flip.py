"""Without the flips."""

_base_ = './_base_.py'

flip_prob = 0.0
