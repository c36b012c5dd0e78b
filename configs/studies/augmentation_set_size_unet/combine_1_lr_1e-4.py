"""One copy, and a learning rate of 1e-4."""

_base_ = './_base_.py'

n_aug = 1
learning_rate = 1e-4
