"""Two folders, images/ and masks/ (0 and 1, or 0 and 255), split by their names."""

_base_ = './binary_segmentation.py'

data_root = 'data/my_masks'
fractions = (0.8, 0.1, 0.1)  # train, val, test

train_dataloader = dict(dataset=dict(type='BinaryMaskDataset', fractions='$fractions'))
val_dataloader = dict(dataset=dict(type='BinaryMaskDataset', fractions='$fractions'))
test_dataloader = dict(dataset=dict(type='BinaryMaskDataset', fractions='$fractions'))
