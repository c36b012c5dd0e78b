"""UNet on large images of your own, on patches; data_root as in binary_masks_unet.py."""

_base_ = [
    '_base_/models/unet.py',
    '_base_/datasets/binary_mask_patches.py',
    '_base_/schedules/adam_cosine.py',
    '_base_/default_runtime.py',
]
