"""Attention U-Net (Oktay et al., MIDL 2018) on half a ResNet34: 6,104,314 parameters."""

_base_ = './resnet34_unet.py'

model = dict(decode_head=dict(type='AttentionUNetHead'))
