"""ResNet34-UNet with decoder C, as wide as R2 has it: 21,827,585 parameters."""

_base_ = ['./_base_.py', '../_base_/models/resnet34_unet_c.py']
