"""What both networks of report R1 share: data, augmentation, loss, schedule, the model kept."""

_base_ = ['../datasets/oxford_pet.py', '../schedules/adam_plateau.py', '../default_runtime.py']

batch_size = 8
drop_last = False
max_epochs = 30
monitor = 'loss'
preprocessor = dict(mean=[127.5, 127.5, 127.5], std=[127.5, 127.5, 127.5])
losses = [
    dict(type='BinaryCrossEntropyLoss'),
    dict(type='BinaryDiceLoss', over='image', smooth=1),
]
optim_wrapper = dict(optimizer=dict(weight_decay=3e-5))

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(type='Resize', scale='$image_size'),
    dict(
        type='Albumentations',
        transforms=[
            dict(type='albumentations.HorizontalFlip', p=0.5),
            dict(
                type='albumentations.Rotate',
                limit=15,
                border_mode=0,  # black
                p=1.0,
            ),
            dict(
                type='albumentations.ColorJitter',
                brightness=0.2,
                contrast=0.2,
                saturation=0.2,
                hue=0,
                p=1.0,
            ),
            dict(type='albumentations.RandomResizedCrop', size='$image_size', scale=(0.8, 1.0)),
            dict(
                type='albumentations.Affine',
                translate_percent=(-0.1, 0.1),
                border_mode=0,  # black
                p=1.0,
            ),
        ],
    ),
    dict(type='PackBinarySegInputs'),
]
