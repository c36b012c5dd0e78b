"""R0: UNet with BatchNorm, 256x256, 500 epochs; the report has a test Dice of 0.9318."""

_base_ = ['../_base_/models/unet.py', '../_base_/reports/r0.py']
