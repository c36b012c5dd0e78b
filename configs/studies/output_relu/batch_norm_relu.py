"""BatchNorm and ReLU after the logits."""

_base_ = './_base_.py'

model = dict(decode_head=dict(output_norm_relu=True))
