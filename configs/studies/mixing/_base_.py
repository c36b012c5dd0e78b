"""Mixing images, ResNet34-UNet (R4): MixUp, CutMix, both or none?

The report names both and gives no number.
"""

_base_ = '../../reports/r4_resnet34_unet.py'

preprocessor = dict(batch_augments=[])
