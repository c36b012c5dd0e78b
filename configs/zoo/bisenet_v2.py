"""BiSeNetV2 (Yu et al., IJCV 2021), without its auxiliary heads: 2,453,393 parameters."""

_base_ = ['./_base_.py', 'mmseg::_base_/models/bisenetv2.py']

model = dict(
    decode_head=dict(channels=256, num_classes=2, out_channels=1),
    auxiliary_head=None,
)
