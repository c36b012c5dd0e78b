"""U-Net (Ronneberger et al., MICCAI 2015), a quarter as wide: 1,944,049 parameters."""

_base_ = ['./_base_.py', '../_base_/models/unet.py']

width = 0.25
