"""The masks, and the teacher's logits and features."""

_base_ = './_base_.py'

teacher = 'pretrained/pets'
