"""ResNet34-UNet on Oxford-IIIT Pet at 128x128 in 12 epochs, for a machine without a GPU."""

_base_ = [
    '../_base_/models/resnet34_unet.py',
    '../_base_/datasets/oxford_pet.py',
    '../_base_/schedules/adam_one_cycle.py',
    '../_base_/default_runtime.py',
]

image_size = 128
precision = 'auto'
cache = True

# Twelve epochs are few, so the loss is what is scored: Dice of each image, not of the batch.
losses = [
    dict(type='BinaryCrossEntropyLoss'),
    dict(type='BinaryDiceLoss', over='image', smooth=1),
]
