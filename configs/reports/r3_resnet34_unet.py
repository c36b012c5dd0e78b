"""R3: ResNet34-UNet with decoder D, 512x512, 10 epochs, no Dice in the report."""

_base_ = ['../_base_/models/resnet34_unet_d.py', '../_base_/reports/r3.py']
