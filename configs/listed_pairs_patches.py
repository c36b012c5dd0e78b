"""ResNet34-UNet on patches of large images, for things that are small in them."""

_base_ = [
    '_base_/models/resnet34_unet.py',
    '_base_/datasets/listed_pair_patches.py',
    '_base_/schedules/adam_one_cycle.py',
    '_base_/default_runtime.py',
]

precision = 'auto'
foreground_weight = 1.0  # how much more a pixel of the foreground counts, where it is rare

losses = [
    dict(type='BinaryCrossEntropyLoss', pos_weight='$foreground_weight'),
    dict(type='BinaryDiceLoss', over='image', smooth=1),
]
