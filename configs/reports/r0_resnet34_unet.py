"""R0: ResNet34-UNet with decoder A, 256x256, 500 epochs; the report has a test Dice of 0.9330."""

_base_ = ['../_base_/models/resnet34_unet.py', '../_base_/reports/r0.py']
