"""Operations of the augmentation, ResNet34-UNet (R0): which one is missed when it is left out?

The report: rotation and normalisation matter, the rest little.
"""

_base_ = '../../reports/r0_resnet34_unet.py'
