"""First of two trainings of the weights that come with the project: 40 epochs at 128x128.

Most of what a net has to learn it learns at a quarter of the cost of 256x256;
``pretrained_pet_256.py`` goes on from here.
"""

_base_ = './half_resnet34_unet_pet_128.py'

max_epochs = 40

# Stronger than in the short recipes: each image is seen a hundred times.
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
