"""ResNet34-UNet with decoder C, 21,827,585 parameters (R2)."""

_base_ = './unet.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNetEncoder',
        in_channels='$in_channels',
        bottleneck=None,
        width='$width',
    ),
    decode_head=dict(
        _delete_=True,
        type='ThinUNetHead',
        widened={2: 512},
        norm_cfg=dict(type='BN'),
        width='$width',
    ),
)
