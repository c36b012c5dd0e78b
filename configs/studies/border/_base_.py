"""The pixels at the border (R3): what are they in training and test?

The report says that it takes the border alone as the foreground; its Dice does not fit that.
Each row is tested as it was trained, so its Dice is of another ground truth.
"""

_base_ = '../../reports/r3_unet.py'
