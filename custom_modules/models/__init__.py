"""Encoders, decode heads, losses and the segmentor, registered in MMEngine's MODELS."""

from .binary_segmentor import BinarySegmentor
from .data_preprocessor import BinarySegPreprocessor
from .losses import BinaryCrossEntropyLoss, BinaryDiceLoss
from .resnet34_encoder import ResNet34Encoder
from .unet_encoder import UNetEncoder
from .unet_head import UNetHead

__all__ = [
    'BinaryCrossEntropyLoss',
    'BinaryDiceLoss',
    'BinarySegPreprocessor',
    'BinarySegmentor',
    'ResNet34Encoder',
    'UNetEncoder',
    'UNetHead',
]
