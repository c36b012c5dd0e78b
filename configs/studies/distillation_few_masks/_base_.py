"""Distillation with 300 masks: does a teacher help where masks are few?

No report tries it. The net and the teacher are those of the study `distillation`.
"""

_base_ = '../../laptop/half_resnet34_unet_pet_128.py'

image_size = 128
width = 0.1875
max_epochs = 60
train_dataloader = dict(dataset=dict(indices=300))
train_cfg = dict(val_interval=10)
