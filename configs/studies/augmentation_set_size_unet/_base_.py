"""Size of the augmented training set, UNet (R2): how many copies of each image, and which?

The report, at a learning rate of 1e-3: .7839 none, .9288 flip 1, .9134 combine 1,
.9299 combine 2; at 1e-4 .9309 combine 1, .9282 combine 2.
"""

_base_ = '../../reports/r2_unet.py'

n_aug = 0
learning_rate = 1e-3
