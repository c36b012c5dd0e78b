"""UNet without normalisation, 31,031,745 parameters (R1, R2)."""

_base_ = './unet.py'

model = dict(backbone=dict(norm_cfg=None), decode_head=dict(norm_cfg=None))
