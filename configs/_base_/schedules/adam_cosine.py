"""Adam, the learning rate falling to zero along a cosine over all epochs (R0)."""

_base_ = './adam.py'

learning_rate = 7e-4

param_scheduler = [dict(type='CosineAnnealingLR', T_max='$max_epochs', eta_min=0.0, by_epoch=True)]
