"""Swin-T (Liu et al., ICCV 2021) with UPerNet as its head: 30,509,883 parameters."""

_base_ = ['./_base_.py', 'mmseg::_base_/models/upernet_swin.py']

model = dict(
    backbone=dict(depths=[2, 2, 6, 2], num_heads=[3, 6, 12, 24], window_size=7),
    decode_head=dict(in_channels=[96, 192, 384, 768], channels=128, num_classes=2, out_channels=1),
    auxiliary_head=None,
)
