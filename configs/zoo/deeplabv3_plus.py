"""DeepLabV3+ (Chen et al., ECCV 2018) on ResNet18: 12,325,201 parameters."""

_base_ = ['./_base_.py', 'mmseg::_base_/models/deeplabv3plus_r50-d8.py']

model = dict(
    pretrained=None,
    backbone=dict(depth=18),
    decode_head=dict(
        in_channels=512, channels=128, c1_in_channels=64, num_classes=2, out_channels=1
    ),
    auxiliary_head=None,
)
