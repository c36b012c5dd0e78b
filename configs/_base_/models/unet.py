"""UNet with BatchNorm, 31,043,521 parameters (R0)."""

threshold = 0.5
width = 1.0  # factor of all channels

model = dict(
    type='BinarySegmentor',
    data_preprocessor='$preprocessor',
    backbone=dict(
        type='UNetEncoder',
        in_channels='$in_channels',
        norm_cfg=dict(type='BN'),
        width='$width',
    ),
    decode_head=dict(
        type='UNetHead',
        norm_cfg=dict(type='BN'),
        width='$width',
    ),
    losses='$losses',
    init_cfg='$weight_init',
    threshold='$threshold',
    resolution='$resolution',
)
