"""Oxford-IIIT Pet: 3,312 images to train, 368 to validate, 3,669 to test; border = pet."""

_base_ = './binary_segmentation.py'

data_root = 'data/oxford-iiit-pet'
border = 'foreground'  # or 'background', 'ignore', 'only'

train_dataloader = dict(dataset=dict(type='OxfordPetDataset', border='$border'))
val_dataloader = dict(dataset=dict(type='OxfordPetDataset', border='$border'))
test_dataloader = dict(dataset=dict(type='OxfordPetDataset', border='$border'))
