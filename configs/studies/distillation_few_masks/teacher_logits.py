"""The masks, and the teacher's logits."""

_base_ = './_base_.py'

teacher = 'pretrained/pets'
model = dict(distillation=dict(feature_weight=0.0))
