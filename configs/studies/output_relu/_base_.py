"""BatchNorm and ReLU after the last convolution, ResNet34-UNet (R2): do they harm?

The report: with them the loss (binary cross-entropy) does not fall.
"""

_base_ = '../../reports/r2_resnet34_unet.py'
