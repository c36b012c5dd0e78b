"""ResNet34-UNet with decoder B, 24,432,321 parameters (R1)."""

_base_ = './unet.py'

model = dict(
    backbone=dict(
        _delete_=True,
        type='ResNetEncoder',
        in_channels='$in_channels',
        bias=True,
        stem_feature=True,
        bottleneck=None,
        width='$width',
    ),
    decode_head=dict(
        channels=[256, 128, 64, 64],
        logit_upsamples=1,
        norm_cfg=None,
    ),
)
