"""ResUNet (Zhang, Liu and Wang, GRSL 2018), a quarter as wide: 506,017 parameters."""

_base_ = ['./_base_.py', '../_base_/models/unet.py']

width = 0.25

model = dict(
    backbone=dict(type='ResUNetEncoder'),
    decode_head=dict(type='ResUNetHead', channels=[256, 128, 64]),
)
