"""UNet with BatchNorm, 31,043,521 parameters (R0)."""

threshold = 0.5
width = 1.0  # factor of all channels
teacher = None  # a trained network to learn from too: its run, its folder or a checkpoint

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
    distillation=dict(type='Distillation', teacher='$teacher'),
    init_cfg='$weight_init',
    threshold='$threshold',
    resolution='$resolution',
)
