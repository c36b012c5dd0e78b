"""R4: UNet with BatchNorm, 256x256, 50 epochs, MixUp, CutMix; no Dice in the report."""

_base_ = ['../_base_/models/unet.py', '../_base_/reports/r4.py']
