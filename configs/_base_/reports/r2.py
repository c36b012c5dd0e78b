"""What both networks of report R2 share: offline augmentation, optimiser, early stopping."""

_base_ = ['../datasets/oxford_pet.py', '../schedules/adam.py', '../default_runtime.py']

batch_size = metric_batch_size = 15
drop_last = False
max_epochs = 60
monitor = 'loss'
n_aug = 1  # copies of each image beside the original
augmentation = 'combine'  # or 'flip', with n_aug at most 2
preprocessor = dict(
    _delete_=True, type='BinarySegPreprocessor', in_channels='$in_channels', per_image=True
)
optim_wrapper = dict(optimizer=dict(type='AdamW'))
default_hooks = dict(early_stopping=dict(type='EarlyStopping', monitor='loss', patience=7))

train_dataloader = dict(dataset=dict(n_aug='$n_aug'))
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(type='Resize', scale='$image_size'),
    dict(type='OfflineAugmentation', kind='$augmentation', n_aug='$n_aug'),
    dict(type='PackBinarySegInputs'),
]
