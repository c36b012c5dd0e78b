"""The masks, and the teacher's features."""

_base_ = './_base_.py'

teacher = 'pretrained/pets'
model = dict(distillation=dict(logit_weight=0.0))
