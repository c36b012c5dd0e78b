"""SegFormer-B0 (Xie et al., NeurIPS 2021): 3,715,425 parameters."""

_base_ = ['./_base_.py', 'mmseg::_base_/models/segformer_mit-b0.py']

model = dict(
    decode_head=dict(num_classes=2, out_channels=1),
)
