"""No copies."""

_base_ = './_base_.py'
