"""What all nets of the zoo share: pets at 128x128, five epochs, one loss."""

_base_ = [
    '../_base_/datasets/oxford_pet.py',
    '../_base_/schedules/adam_one_cycle.py',
    '../_base_/default_runtime.py',
]

image_size = 128
max_epochs = 5
precision = 'auto'
cache = True
losses = [
    dict(type='BinaryCrossEntropyLoss'),
    dict(type='BinaryDiceLoss', over='image', smooth=1),
]
