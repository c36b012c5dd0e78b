"""The table of listed_pairs.py, of images that are seen in patches and windows."""

_base_ = './patches.py'

data_root = 'data/mine'  # the folder of the images
mask_root = None  # the folder of the masks, if it is another one
pairs = 'data/mine/pairs.csv'
mask_encodings = [{0: 0, 1: 1}, {0: 0, 255: 1}]  # value of a mask's file -> 0, 1, 255 (ignored)

train_dataloader = dict(
    dataset=dict(
        type='ListedPairsDataset',
        pairs='$pairs',
        mask_root='$mask_root',
        mask_encodings='$mask_encodings',
    )
)
val_dataloader = dict(
    dataset=dict(
        type='ListedPairsDataset',
        pairs='$pairs',
        mask_root='$mask_root',
        mask_encodings='$mask_encodings',
    )
)
test_dataloader = dict(
    dataset=dict(
        type='ListedPairsDataset',
        pairs='$pairs',
        mask_root='$mask_root',
        mask_encodings='$mask_encodings',
    )
)
