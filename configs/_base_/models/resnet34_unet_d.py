"""ResNet34-UNet with decoder D, 47,672,129 parameters (R3)."""

_base_ = './resnet34_unet.py'

model = dict(backbone=dict(bottleneck='double_conv', bottleneck_dropout=0.1))
