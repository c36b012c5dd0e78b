"""R1: ResNet34-UNet with decoder B, 256x256, 30 epochs; the report has a test Dice of 0.9103."""

_base_ = ['../_base_/models/resnet34_unet_b.py', '../_base_/reports/r1.py']
