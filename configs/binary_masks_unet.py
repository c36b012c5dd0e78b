"""UNet on your own images and masks: set data_root to the folder that holds images/ and masks/."""

_base_ = [
    '_base_/models/unet.py',
    '_base_/datasets/binary_masks.py',
    '_base_/schedules/adam_cosine.py',
    '_base_/default_runtime.py',
]
