"""Images larger than the network sees: patches in training, windows over whole images in a test.

Takes the place of binary_segmentation.py, for any data set. Nothing is resized.
"""

_base_ = './binary_segmentation.py'

patch_size = 256  # the side of the patches and of the windows, in pixels of the files
foreground_share = 0.33  # of the patches that are cut around a pixel of the foreground
patches_per_image = 1  # in an epoch
overlap = 0.25  # share of a window that its neighbour sees too; their logits are averaged
resolution = 'original'

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(type='RandomCrop', size='$patch_size', foreground_share='$foreground_share'),
    dict(type='RandomFlip', prob=0.5),
    dict(type='RandomAffine', prob='$affine_prob', degrees=30, scale=(0.8, 1.25), translate=0.1),
    dict(type='RandomBrightnessContrast', prob=0.3),
    dict(type='PackBinarySegInputs'),
]
test_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(
        type='SlidingWindow',
        size='$patch_size',
        overlap='$overlap',
        batch_size='$batch_size',
    ),
    dict(type='PackBinarySegInputs'),
]

train_dataloader = dict(sampler=dict(times='$patches_per_image'))
# One image at a time, read by the process itself: workers would hold several of them.
val_dataloader = dict(batch_size=1, num_workers=0)
test_dataloader = dict(batch_size=1, num_workers=0)
