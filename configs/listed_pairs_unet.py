"""UNet on images and masks of a table; tools/prepare_data.py --from writes configs that inherit."""

_base_ = [
    '_base_/models/unet.py',
    '_base_/datasets/listed_pairs.py',
    '_base_/schedules/adam_cosine.py',
    '_base_/default_runtime.py',
]
