"""PSPNet (Zhao et al., CVPR 2017) on ResNet18: 12,638,945 parameters."""

_base_ = ['./_base_.py', 'mmseg::_base_/models/pspnet_r50-d8.py']

model = dict(
    pretrained=None,
    backbone=dict(depth=18),
    decode_head=dict(in_channels=512, channels=128, num_classes=2, out_channels=1),
    auxiliary_head=None,
)
