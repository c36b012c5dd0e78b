"""The U-Net paper: normal, std = sqrt(2 / fan-in)."""

_base_ = './_base_.py'

weight_init = dict(mode='fan_in')
