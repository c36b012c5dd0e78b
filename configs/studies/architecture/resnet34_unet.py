"""ResNet34-UNet, decoder A."""

_base_ = '../../reports/r0_resnet34_unet.py'
