"""ResNet34-UNet, logits at stride 4, half as wide: 6,082,017 parameters."""

_base_ = ['./_base_.py', '../_base_/models/resnet34_unet.py']

width = 0.5

model = dict(
    backbone=dict(bottleneck=None),
    decode_head=dict(channels=[256, 128, 64], extra_upsamples=0, logit_upsamples=2),
)
