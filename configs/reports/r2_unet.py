"""R2: UNet with two output channels, 256x256; the report has a test Dice of 0.9309."""

_base_ = ['../_base_/models/unet_without_norm.py', '../_base_/reports/r2.py']

losses = [dict(type='TwoChannelCrossEntropyLoss')]
model = dict(decode_head=dict(out_channels=2))
