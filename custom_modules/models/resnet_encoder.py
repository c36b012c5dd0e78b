"""ResNet as an encoder (He et al., CVPR 2016), with the bottleneck of the reports' decoders."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.registry import MODELS
from torch import nn

from ..base.errors import UserError
from .blocks import DoubleConv, NormConfig, ResidualBlock, scaled
from .frozen_stages import FreezableEncoder


@MODELS.register_module()
class ResNetEncoder(FreezableEncoder):
    """Stem, max pooling and four stages of basic blocks; the defaults are ResNet-34.

    Parameter names are torchvision's, so that published weights load.

    Returns a list of feature maps, **finest first**. For an input (N, 3, H, W) with bottleneck:

        [(N,   64, H/4,  W/4),   layer1
         (N,  128, H/8,  W/8),   layer2
         (N,  256, H/16, W/16),  layer3
         (N,  512, H/32, W/32),  layer4
         (N, 1024, H/64, W/64)]  bottleneck

    With ``stem_feature`` the list begins with (N, 64, H/2, W/2), the output of the stem.
    ``out_channels`` lists the widths; H and W must be multiples of the coarsest stride.

    Args:
        in_channels: number of channels of the image.
        blocks: number of basic blocks in each of the four stages; (2, 2, 2, 2) is ResNet-18.
        channels: width of each stage; the stem has that of the first.
        norm_cfg: config of the normalisation after each convolution; None for BatchNorm.
        bias: whether the convolutions have a bias beside the normalisation (R1); published weights
            have none.
        stem_feature: whether to return the stem's output too, taken after the pooling and upsampled
            bilinearly to stride 2 (decoder B of R1).
        bottleneck: what follows ``layer4``: 'residual', one more residual block of stride 2
            (decoder A of R0); 'double_conv', a 2x2 max pooling and the double convolution of UNet
            (decoder D of R3); or None, nothing.
        bottleneck_channels: width of the bottleneck.
        bottleneck_dropout: share of values dropped after the double convolution (R3: 0.1).
        width: factor of ``channels`` and ``bottleneck_channels``.
        frozen_stages: last stage that does not learn, as those before it do not: 0 is the stem, 1
            to 4 are ``layer1`` to ``layer4``; -1 freezes none.
        init_cfg: config of MMEngine's initialisation, such as
            ``dict(type='Pretrained', checkpoint='resnet34.pth')``; None keeps PyTorch's.

    Raises:
        UserError: ``bottleneck`` is not one of the three, or has no place for the dropout, or
            ``blocks`` and ``channels`` are not of four stages, or there is no such stage to freeze.
    """

    def __init__(
        self,
        in_channels: int = 3,
        blocks: Sequence[int] = (3, 4, 6, 3),
        channels: Sequence[int] = (64, 128, 256, 512),
        norm_cfg: NormConfig = None,
        bias: bool = False,
        stem_feature: bool = False,
        bottleneck: str | None = 'residual',
        bottleneck_channels: int = 1024,
        bottleneck_dropout: float = 0.0,
        width: float = 1.0,
        frozen_stages: int = -1,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if bottleneck not in ('residual', 'double_conv', None):
            raise UserError(
                f'ResNetEncoder: bottleneck={bottleneck!r} is not allowed; '
                "use 'residual', 'double_conv' or None"
            )
        if bottleneck_dropout and bottleneck != 'double_conv':
            raise UserError(
                f'ResNetEncoder: bottleneck_dropout={bottleneck_dropout} needs '
                "bottleneck='double_conv'"
            )
        if not len(blocks) == len(channels) == 4:
            raise UserError(
                f'ResNetEncoder: blocks={tuple(blocks)} and channels={tuple(channels)} must have '
                'four numbers each, one per stage'
            )
        norm_cfg = norm_cfg or dict(type='BN')
        self.stem_feature = stem_feature
        channels = [scaled(stage, width) for stage in channels]
        bottleneck_channels = scaled(bottleneck_channels, width)
        first, second, third, fourth = channels
        self.conv1 = nn.Conv2d(in_channels, first, 7, stride=2, padding=3, bias=bias)
        self.bn1 = build_norm_layer(norm_cfg, first)[1]
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        options: dict[str, Any] = dict(norm_cfg=norm_cfg, bias=bias)
        self.layer1 = self._stage(first, first, blocks[0], stride=1, **options)
        self.layer2 = self._stage(first, second, blocks[1], stride=2, **options)
        self.layer3 = self._stage(second, third, blocks[2], stride=2, **options)
        self.layer4 = self._stage(third, fourth, blocks[3], stride=2, **options)
        self.out_channels = [first] * stem_feature + [*channels]
        self.bottleneck: nn.Module | None = None
        if bottleneck == 'residual':
            self.bottleneck = ResidualBlock(fourth, bottleneck_channels, 2, **options)
        elif bottleneck == 'double_conv':
            self.bottleneck = nn.Sequential(
                nn.MaxPool2d(2),
                DoubleConv(fourth, bottleneck_channels, norm_cfg, bottleneck_dropout),
            )
        if self.bottleneck is not None:
            self.out_channels.append(bottleneck_channels)
        layers = (self.layer1, self.layer2, self.layer3, self.layer4)
        self.freeze([(self.conv1, self.bn1), *((layer,) for layer in layers)], frozen_stages)

    @staticmethod
    def _stage(
        in_channels: int, out_channels: int, blocks: int, stride: int, **options: Any
    ) -> nn.Sequential:
        first = ResidualBlock(in_channels, out_channels, stride, **options)
        rest = [ResidualBlock(out_channels, out_channels, **options) for _ in range(blocks - 1)]
        return nn.Sequential(first, *rest)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        features: list[torch.Tensor] = []
        if self.stem_feature:
            features.append(F.interpolate(x, scale_factor=2, mode='bilinear'))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            features.append(x)
        if self.bottleneck is not None:
            features.append(self.bottleneck(x))
        return features
