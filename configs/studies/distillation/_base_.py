"""Distillation, ResNet34-UNet of 0.9 million parameters: does a small net learn from a large one?

No report tries it; one names it as what comes next. The teacher is `pretrained/pets`.
"""

_base_ = '../../laptop/half_resnet34_unet_pet_128.py'

image_size = 128
width = 0.1875
max_epochs = 20
