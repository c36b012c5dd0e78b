"""Two folders as in binary_masks.py, of images that are seen in patches and windows."""

_base_ = './patches.py'

data_root = 'data/my_masks'
fractions = (0.8, 0.1, 0.1)  # train, val, test

train_dataloader = dict(dataset=dict(type='BinaryMaskDataset', fractions='$fractions'))
val_dataloader = dict(dataset=dict(type='BinaryMaskDataset', fractions='$fractions'))
test_dataloader = dict(dataset=dict(type='BinaryMaskDataset', fractions='$fractions'))
