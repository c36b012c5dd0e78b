"""What both networks of report R4 share: data, augmentation with MixUp and CutMix, optimiser."""

_base_ = ['../datasets/oxford_pet.py', '../schedules/adam.py', '../default_runtime.py']

batch_size = 4
drop_last = False
max_epochs = 50
mixup = dict(type='MixUp', alpha=0.4, prob=0.25)
cutmix = dict(type='CutMix', alpha=1.0, prob=0.25)
preprocessor = dict(
    mean=[0.0, 0.0, 0.0],
    std=[255.0, 255.0, 255.0],
    batch_augments=['$mixup', '$cutmix'],
)

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(type='Resize', scale='$image_size'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomAffine', prob=0.5, degrees=15),
    dict(type='RandomBrightnessContrast', prob=0.5),
    dict(type='PackBinarySegInputs'),
]
