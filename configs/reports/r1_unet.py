"""R1: UNet without normalisation, 256x256, 30 epochs; the report has a test Dice of 0.9036."""

_base_ = ['../_base_/models/unet_without_norm.py', '../_base_/reports/r1.py']

learning_rate = 5e-4
