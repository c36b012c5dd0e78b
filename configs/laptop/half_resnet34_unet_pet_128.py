"""ResNet34-UNet of half width on Oxford-IIIT Pet at 128x128: the quickest good masks on a CPU."""

_base_ = './resnet34_unet_pet_128.py'

max_epochs = 20
width = 0.5

# Logits at stride 4, upsampled: the finer levels cost most of the time and little of the Dice.
model = dict(
    backbone=dict(bottleneck=None),
    decode_head=dict(
        channels=[256, 128, 64],
        extra_upsamples=0,
        logit_upsamples=2,
    ),
)
