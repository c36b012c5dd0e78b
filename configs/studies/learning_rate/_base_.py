"""Learning rate, UNet (R4): 1e-3, 1e-4 or 1e-5?

The report: 1e-4 is best, 1e-5 far too slow.
"""

_base_ = '../../reports/r4_unet.py'
