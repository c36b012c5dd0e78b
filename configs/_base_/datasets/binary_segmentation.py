"""Pipelines and loaders of any set of images with binary masks."""

_base_ = ['../normalisation/imagenet.py', '../metrics/dice.py']

in_channels = 3  # of the images: 1 grey, 3 colours, otherwise that of the bands
image_reading = dict(channels='$in_channels')  # and limits, bands: docs/data.md
image_size = 256  # the side of the square all images are stretched to, or (width, height)
batch_size = 16
drop_last = True  # training leaves out a last batch that is smaller
num_workers = 'auto'  # one per core that this process may use, at most 8
unreadable = 'error'  # 'skip': a training leaves out, counts and names images it cannot read
exclude = None  # a list of images to leave out, such as tools/audit_labels.py writes it
cache = False  # True: decoded and resized images stay in a file beside the data
affine_prob = 0.5  # share of the training images that are turned, scaled and moved
resolution = 'input'  # where Dice is computed: 'input' (the reports) or 'original'

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(type='Resize', scale='$image_size'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomAffine', prob='$affine_prob', degrees=30, scale=(0.8, 1.25), translate=0.1),
    dict(type='RandomBrightnessContrast', prob=0.3),
    dict(type='PackBinarySegInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(type='ResizeForScoring', scale='$image_size', resolution='$resolution'),
    dict(type='PackBinarySegInputs'),
]

train_dataloader = dict(
    batch_size='$batch_size',
    num_workers='$num_workers',
    persistent_workers=True,
    drop_last='$drop_last',
    sampler=dict(type='SeededSampler', shuffle=True),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        data_root='$data_root',
        cache='$cache',
        exclude='$exclude',
        image_reading='$image_reading',
        unreadable='$unreadable',
        split='train',
        pipeline='$train_pipeline',
    ),
)
val_dataloader = dict(
    batch_size='$batch_size',
    num_workers='$num_workers',
    persistent_workers=True,
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        data_root='$data_root',
        cache='$cache',
        exclude='$exclude',
        image_reading='$image_reading',
        split='val',
        pipeline='$test_pipeline',
        test_mode=True,
    ),
)
test_dataloader = dict(
    batch_size='$batch_size',
    num_workers='$num_workers',
    sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(
        data_root='$data_root',
        cache='$cache',
        exclude='$exclude',
        image_reading='$image_reading',
        split='test',
        pipeline='$test_pipeline',
        test_mode=True,
    ),
)
val_evaluator = '$evaluator'
test_evaluator = '$evaluator'
