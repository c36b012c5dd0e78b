"""Binary cross-entropy + Dice loss."""

_base_ = './_base_.py'
