"""MobileNetV2 (Sandler et al., CVPR 2018) under a narrow U-Net decoder: 2,541,121 parameters."""

_base_ = ['./_base_.py', '../_base_/models/unet.py']

model = dict(
    backbone=dict(
        _delete_=True, type='mmseg.MobileNetV2', out_indices=(1, 2, 4, 6), norm_cfg=dict(type='BN')
    ),
    decode_head=dict(in_channels=[24, 32, 96, 320], channels=[128, 64, 32], logit_upsamples=2),
)
