"""MixUp on a quarter of the batches."""

_base_ = './_base_.py'

preprocessor = dict(batch_augments=['$mixup'])
