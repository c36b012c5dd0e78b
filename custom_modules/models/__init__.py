"""Encoders, decode heads, losses and the segmentor, registered in MMEngine's MODELS."""

from .attention_unet_head import AttentionUNetHead
from .batch_mixing import CutMix, MixUp
from .binary_segmentor import BinarySegmentor
from .data_preprocessor import BinarySegPreprocessor
from .distillation import Distillation
from .ensemble import EnsembleEncoder, EnsembleHead
from .losses import (
    BinaryCrossEntropyLoss,
    BinaryDiceLoss,
    BinaryFocalLoss,
    BinaryIoULoss,
    BinaryTverskyLoss,
    BoundaryLoss,
    CenterlineDiceLoss,
    LovaszHingeLoss,
    TwoChannelCrossEntropyLoss,
)
from .res_unet import ResUNetEncoder, ResUNetHead
from .resnet_encoder import ResNetEncoder
from .smp_network import SmpNetwork
from .thin_unet_head import ThinUNetHead
from .timm_encoder import TimmEncoder
from .unet_encoder import UNetEncoder
from .unet_head import UNetHead
from .unet_plus_plus_head import UNetPlusPlusHead

__all__ = [
    'AttentionUNetHead',
    'BinaryCrossEntropyLoss',
    'BinaryDiceLoss',
    'BinaryFocalLoss',
    'BinaryIoULoss',
    'BinarySegPreprocessor',
    'BinarySegmentor',
    'BinaryTverskyLoss',
    'BoundaryLoss',
    'CenterlineDiceLoss',
    'CutMix',
    'Distillation',
    'EnsembleEncoder',
    'EnsembleHead',
    'LovaszHingeLoss',
    'MixUp',
    'ResNetEncoder',
    'ResUNetEncoder',
    'ResUNetHead',
    'SmpNetwork',
    'ThinUNetHead',
    'TimmEncoder',
    'TwoChannelCrossEntropyLoss',
    'UNetEncoder',
    'UNetHead',
    'UNetPlusPlusHead',
]
