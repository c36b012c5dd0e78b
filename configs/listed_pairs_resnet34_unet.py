"""ResNet34-UNet on images and masks of a table; configs of prepare_data.py --from inherit it."""

_base_ = [
    '_base_/models/resnet34_unet.py',
    '_base_/datasets/listed_pairs.py',
    '_base_/schedules/adam_one_cycle.py',
    '_base_/default_runtime.py',
]

precision = 'auto'
foreground_weight = 1.0  # how much more a pixel of the foreground counts, where it is rare

losses = [
    dict(type='BinaryCrossEntropyLoss', pos_weight='$foreground_weight'),
    dict(type='BinaryDiceLoss', over='image', smooth=1),
]
