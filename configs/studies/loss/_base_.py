"""Loss, ResNet34-UNet (R0's recipe): BCE, Dice or their sum?

No report has this study; all but R2 take the sum.
"""

_base_ = '../../reports/r0_resnet34_unet.py'
