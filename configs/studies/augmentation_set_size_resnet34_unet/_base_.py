"""Size of the augmented training set, ResNet34-UNet (R2): how many copies of each image, and which?

The report, at a learning rate of 1e-3: .9211 none, .9337 flip 1, .9478 combine 1,
.9390 combine 2; at 1e-4 .9323 combine 1.
"""

_base_ = '../../reports/r2_resnet34_unet.py'

n_aug = 0
learning_rate = 1e-3
