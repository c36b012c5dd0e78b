"""Initialisation, UNet (R3): He's or that of the U-Net paper?

The report: He's is lower at first and better after 10 epochs.
"""

_base_ = '../../reports/r3_unet.py'
