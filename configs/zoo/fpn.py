"""Semantic FPN (Kirillov et al., CVPR 2019) on ResNet18: 15,426,785 parameters."""

_base_ = ['./_base_.py', 'mmseg::_base_/models/fpn_r50.py']

model = dict(
    pretrained=None,
    neck=dict(in_channels=[64, 128, 256, 512]),
    backbone=dict(depth=18),
    decode_head=dict(num_classes=2, out_channels=1),
)
