"""UNet with BatchNorm, 31,043,521 parameters (R0)."""

threshold = 0.5

model = dict(
    type='BinarySegmentor',
    data_preprocessor=dict(
        type='BinarySegPreprocessor',
        mean=[123.675, 116.28, 103.53],  # of ImageNet, R G B
        std=[58.395, 57.12, 57.375],
    ),
    backbone=dict(type='UNetEncoder', norm_cfg=dict(type='BN')),
    decode_head=dict(
        type='UNetHead', in_channels=[64, 128, 256, 512, 1024], norm_cfg=dict(type='BN')
    ),
    losses=[dict(type='BinaryCrossEntropyLoss'), dict(type='BinaryDiceLoss')],
    threshold='$threshold',
    resolution='$resolution',
)
