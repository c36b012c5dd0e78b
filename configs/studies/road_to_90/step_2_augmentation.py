"""With augmentation."""

_base_ = './step_1.py'

train_dataloader = dict(dataset=dict(pipeline='$train_pipeline'))
