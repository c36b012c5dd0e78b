"""ResNet34-UNet with decoder A, as wide as R0 has it: 48,196,417 parameters."""

_base_ = ['./_base_.py', '../_base_/models/resnet34_unet.py']
