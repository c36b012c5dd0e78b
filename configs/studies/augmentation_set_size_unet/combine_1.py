"""One copy, rotated, moved and mirrored at random."""

_base_ = './_base_.py'

n_aug = 1
