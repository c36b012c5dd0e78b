"""With the Dice loss."""

_base_ = './step_2_augmentation.py'

losses = [
    dict(type='BinaryCrossEntropyLoss'),
    dict(type='BinaryDiceLoss', over='image', smooth=1),
]
