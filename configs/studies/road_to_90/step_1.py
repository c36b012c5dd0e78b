"""Binary cross-entropy, learning rate 1e-5, no augmentation."""

_base_ = './_base_.py'
