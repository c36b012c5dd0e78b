"""What both networks of report R3 share: data, augmentation, optimiser."""

_base_ = ['../datasets/oxford_pet.py', '../schedules/adam.py', '../default_runtime.py']

image_size = 512
batch_size = metric_batch_size = 8
drop_last = False
max_epochs = 10
# Of the training set, in units of 0 to 255: tools/dataset_statistics.py prints these two lines.
preprocessor = dict(mean=[121.95, 113.81, 101.11], std=[67.38, 66.09, 68.08])
# He's initialisation; the U-Net paper's is mode='fan_in'.
weight_init = dict(
    _delete_=True,
    type='Kaiming',
    layer='Conv2d',
    mode='fan_out',
    nonlinearity='relu',
    distribution='normal',
)
optim_wrapper = dict(optimizer=dict(weight_decay=2e-4))

train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(type='Resize', scale='$image_size'),
    dict(type='RandomAffine', prob=0.5, degrees=15, scale=(0.9, 1.1), translate=0.1),
    dict(type='PackBinarySegInputs'),
]
