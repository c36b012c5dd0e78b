"""HRNet-W18 (Sun et al., CVPR 2019) with a head of 1x1 convolutions: 9,635,971 parameters."""

_base_ = ['./_base_.py', 'mmseg::_base_/models/fcn_hr18.py']

model = dict(
    pretrained=None,
    decode_head=dict(num_classes=2, out_channels=1),
)
