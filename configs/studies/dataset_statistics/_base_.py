"""Mean and deviation of the normalisation, UNet (R3): of the data set or of ImageNet?

The report kept the data set's.
"""

_base_ = '../../reports/r3_unet.py'
