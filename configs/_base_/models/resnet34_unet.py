"""ResNet34-UNet with decoder A, 48,196,417 parameters (R0)."""

_base_ = './unet.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNetEncoder',
        in_channels='$in_channels',
        width='$width',
    ),
    decode_head=dict(extra_upsamples=2),
)
