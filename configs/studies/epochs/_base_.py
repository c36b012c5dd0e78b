"""Epochs, UNet (R4): 20, 50, 70 or 100?

The report: 50 suffice.
"""

_base_ = '../../reports/r4_unet.py'

max_epochs = 50
