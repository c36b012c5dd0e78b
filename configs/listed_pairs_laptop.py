"""The same of half width, logits at a quarter of the size: for a machine without a GPU."""

_base_ = './listed_pairs_resnet34_unet.py'

width = 0.5

# The finer levels cost most of the time and little of the Dice, if nothing is thin.
model = dict(
    backbone=dict(bottleneck=None),
    decode_head=dict(channels=[256, 128, 64], extra_upsamples=0, logit_upsamples=2),
)
