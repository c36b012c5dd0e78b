"""The road to 90%, UNet (R1): what does each step add?

The report: 81, with augmentation 84, with the Dice loss 86, at a learning rate of 1e-4 88, with
weight decay and the plateau schedule 90.4.
"""

_base_ = '../../reports/r1_unet.py'

learning_rate = 1e-5
losses = [dict(type='BinaryCrossEntropyLoss')]
optim_wrapper = dict(optimizer=dict(weight_decay=0.0))
param_scheduler = []
plain_pipeline = [
    dict(type='LoadImage'),
    dict(type='LoadMask'),
    dict(type='Resize', scale='$image_size'),
    dict(type='PackBinarySegInputs'),
]
train_dataloader = dict(dataset=dict(pipeline='$plain_pipeline'))
