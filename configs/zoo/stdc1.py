"""STDC1 (Fan et al., CVPR 2021), without its auxiliary heads: 8,270,497 parameters."""

_base_ = ['./_base_.py', 'mmseg::_base_/models/stdc.py']

model = dict(
    decode_head=dict(sampler=None, num_classes=2, out_channels=1),
    auxiliary_head=None,
)
