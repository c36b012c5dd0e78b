"""UNet."""

_base_ = './_base_.py'
