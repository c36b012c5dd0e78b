"""R4: ResNet34-UNet with decoder A, 256x256, 50 epochs, MixUp, CutMix; no Dice in the report."""

_base_ = ['../_base_/models/resnet34_unet.py', '../_base_/reports/r4.py']
