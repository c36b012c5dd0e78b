"""UNet on Oxford-IIIT Pet at 256x256, the common protocol of the reports."""

_base_ = [
    '_base_/models/unet.py',
    '_base_/datasets/oxford_pet.py',
    '_base_/schedules/adam_cosine.py',
    '_base_/default_runtime.py',
]
