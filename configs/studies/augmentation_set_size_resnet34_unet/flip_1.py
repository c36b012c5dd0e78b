"""One copy, mirrored horizontally."""

_base_ = './_base_.py'

n_aug = 1
augmentation = 'flip'
