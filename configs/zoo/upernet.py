"""UPerNet (Xiao et al., ECCV 2018) on ResNet18: 13,730,273 parameters."""

_base_ = ['./_base_.py', 'mmseg::_base_/models/upernet_r50.py']

model = dict(
    pretrained=None,
    backbone=dict(depth=18),
    decode_head=dict(in_channels=[64, 128, 256, 512], channels=128, num_classes=2, out_channels=1),
    auxiliary_head=None,
)
