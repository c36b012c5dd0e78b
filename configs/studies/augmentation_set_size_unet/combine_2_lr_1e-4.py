"""Two copies, and a learning rate of 1e-4."""

_base_ = './_base_.py'

n_aug = 2
learning_rate = 1e-4
