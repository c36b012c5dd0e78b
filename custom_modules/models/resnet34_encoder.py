"""ResNet-34 as an encoder (He et al., CVPR 2016), with the bottleneck of the reports' decoders."""

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from torch import nn

from ..errors import UserError
from .blocks import NormConfig, ResidualBlock


@MODELS.register_module()
class ResNet34Encoder(BaseModule):
    """Stem, max pooling and basic blocks 3-4-6-3; parameter names are torchvision's.

    Returns a list of feature maps, **finest first**. For an input (N, 3, H, W) with bottleneck::

        [(N,   64, H/4,  W/4),   layer1
         (N,  128, H/8,  W/8),   layer2
         (N,  256, H/16, W/16),  layer3
         (N,  512, H/32, W/32),  layer4
         (N, 1024, H/64, W/64)]  bottleneck

    ``out_channels`` lists the widths; H and W must be multiples of the coarsest stride.

    Args:
        in_channels: channels of the image.
        norm_cfg: normalisation after each convolution.
        bottleneck: 'residual' adds one more residual block of stride 2 (decoder A of R0), None
            stops at layer4.
        bottleneck_channels: its width.
        init_cfg: MMEngine's initialisation, such as
            ``dict(type='Pretrained', checkpoint='resnet34.pth')``; None keeps PyTorch's.

    Raises:
        UserError: ``bottleneck`` is not one of the two.
    """

    def __init__(
        self,
        in_channels: int = 3,
        norm_cfg: NormConfig = None,
        bottleneck: str | None = 'residual',
        bottleneck_channels: int = 1024,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if bottleneck not in ('residual', None):
            raise UserError(
                f"ResNet34Encoder: bottleneck={bottleneck!r} is not allowed; use 'residual' or None"
            )
        self.conv1 = nn.Conv2d(in_channels, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = build_norm_layer(norm_cfg or dict(type='BN'), 64)[1]
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1 = self._stage(64, 64, blocks=3, stride=1, norm_cfg=norm_cfg)
        self.layer2 = self._stage(64, 128, blocks=4, stride=2, norm_cfg=norm_cfg)
        self.layer3 = self._stage(128, 256, blocks=6, stride=2, norm_cfg=norm_cfg)
        self.layer4 = self._stage(256, 512, blocks=3, stride=2, norm_cfg=norm_cfg)
        self.out_channels = [64, 128, 256, 512]
        self.bottleneck: nn.Module | None = None
        if bottleneck == 'residual':
            self.bottleneck = ResidualBlock(512, bottleneck_channels, 2, norm_cfg)
            self.out_channels.append(bottleneck_channels)

    @staticmethod
    def _stage(
        in_channels: int, out_channels: int, blocks: int, stride: int, norm_cfg: NormConfig
    ) -> nn.Sequential:
        first = ResidualBlock(in_channels, out_channels, stride, norm_cfg)
        rest = [ResidualBlock(out_channels, out_channels, 1, norm_cfg) for _ in range(blocks - 1)]
        return nn.Sequential(first, *rest)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        features: list[torch.Tensor] = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            features.append(x)
        if self.bottleneck is not None:
            features.append(self.bottleneck(x))
        return features
