"""ResNet34-UNet of half width on Oxford-IIIT Pet at 128x128: the quickest good masks on a CPU."""

_base_ = [
    '../_base_/models/resnet34_unet.py',
    '../_base_/datasets/oxford_pet.py',
    '../_base_/schedules/adam_one_cycle.py',
    '../_base_/default_runtime.py',
]

image_size = 128
max_epochs = 20
precision = 'auto'
cache = True
losses = [
    dict(type='BinaryCrossEntropyLoss'),
    dict(type='BinaryDiceLoss', over='image', smooth=1),
]

# Logits at stride 4, enlarged: the finer levels cost most of the time and little of the Dice.
model = dict(
    backbone=dict(channels=[32, 64, 128, 256], bottleneck=None),
    decode_head=dict(
        in_channels=[32, 64, 128, 256],
        channels=[128, 64, 32],
        extra_upsamples=0,
        logit_upsamples=2,
    ),
)
