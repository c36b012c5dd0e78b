"""Without noise and blur."""

_base_ = './_base_.py'

noise_prob = 0.0
