"""Architecture (R0): UNet or ResNet34-UNet?

The report: about equal; ResNet34-UNet converges faster, trains 3 times as fast, overfits less.
"""

_base_ = '../../reports/r0_unet.py'
