"""What both networks of report R0 share: data, augmentation, schedule."""

_base_ = ['../datasets/oxford_pet.py', '../schedules/adam_cosine.py', '../default_runtime.py']

batch_size = metric_batch_size = 64
drop_last = False
max_epochs = 500
seed = 88
# How likely each kind of augmentation is; crop and rotation by their weights in their group.
crop_or_rotation_prob, crop_weight, rotation_weight = 0.5, 0.5, 0.5
flip_prob = 0.5
light_prob = 0.3
noise_prob = 0.2

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(type='Resize', scale='$image_size'),
    dict(
        type='Albumentations',
        transforms=[
            dict(
                type='albumentations.OneOf',
                p='$crop_or_rotation_prob',
                transforms=[
                    dict(
                        type='albumentations.RandomResizedCrop',
                        p='$crop_weight',
                        size='$image_size',
                        scale=(0.8, 1.0),
                        ratio=(0.75, 1.33),
                    ),
                    dict(
                        type='albumentations.Rotate',
                        p='$rotation_weight',
                        limit=30,
                        border_mode=0,  # black
                    ),
                ],
            ),
            dict(
                type='albumentations.OneOf',
                p='$flip_prob',
                transforms=[
                    dict(type='albumentations.HorizontalFlip'),
                    dict(type='albumentations.VerticalFlip'),
                ],
            ),
            dict(
                type='albumentations.OneOf',
                p='$light_prob',
                transforms=[
                    dict(type='albumentations.RandomBrightnessContrast'),
                    dict(type='albumentations.RandomGamma'),
                ],
            ),
            dict(
                type='albumentations.OneOf',
                p='$noise_prob',
                transforms=[
                    dict(
                        type='albumentations.GaussNoise',
                        std_range=(0.2, 0.44),  # 51 to 112 grey levels
                    ),
                    dict(
                        type='albumentations.GaussianBlur',
                        blur_limit=0,  # as wide as the standard deviation asks for
                        sigma_limit=(0.5, 3.0),  # pixels
                    ),
                ],
            ),
        ],
    ),
    dict(type='PackBinarySegInputs'),
]
