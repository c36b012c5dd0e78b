"""R3: UNet with dropout in the bottleneck, 512x512, 10 epochs, test Dice 0.8641 in the report."""

_base_ = ['../_base_/models/unet.py', '../_base_/reports/r3.py']

model = dict(backbone=dict(bottleneck_dropout=0.1))
