"""The sigmoid before the Dice loss, UNet (R3): what happens without it?

The report: with it the baseline is reached.
"""

_base_ = '../../reports/r3_unet.py'
