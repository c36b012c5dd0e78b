"""First of two trainings of weights to give away: 40 epochs at 128x128.

An epoch at this size is cheap; ``pretrained_pet_256.py`` goes on from here.
"""

_base_ = './half_resnet34_unet_pet_128.py'

max_epochs = 40

# Stronger than in the short recipes: with both trainings each image is seen 90 times.
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(type='Resize', scale='$image_size'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomAffine', prob=0.75, degrees=20, scale=(0.67, 1.5), translate=0.15),
    dict(type='RandomBrightnessContrast', prob=0.5, brightness=0.3, contrast=0.3),
    dict(type='PackBinarySegInputs'),
]
optim_wrapper = dict(optimizer=dict(type='AdamW', weight_decay=0.01))
