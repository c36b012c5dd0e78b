"""Batch size, UNet (R4): 2, 8 or 64?

The report: 8 is better than 64; all are satisfactory.
"""

_base_ = '../../reports/r4_unet.py'

batch_size = 8
