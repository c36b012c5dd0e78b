"""R2: ResNet34-UNet with decoder C, 256x256; the report has a test Dice of 0.9478."""

_base_ = ['../_base_/models/resnet34_unet_c.py', '../_base_/reports/r2.py']

learning_rate = 1e-3
losses = [dict(type='BinaryCrossEntropyLoss')]
