"""ResUNet (Zhang, Liu and Wang, GRSL 2018): U-Net of residual units; encoder and decode head."""

from collections.abc import Sequence

import torch
from mmcv.cnn import build_norm_layer
from mmengine.registry import MODELS
from torch import nn

from .blocks import NormConfig, UpBlock, scaled
from .frozen_stages import FreezableEncoder
from .unet_head import UNetHead

_BN = dict(type='BN')


class ResidualUnit(nn.Module):
    """Two [normalisation, ReLU, 3x3 convolution] beside a 1x1 convolution, which are added.

    (N, in, H, W) -> (N, out, H/stride, W/stride). The order is that of identity mappings (He et
    al., ECCV 2016). ``first`` leaves out the first normalisation and ReLU: an image needs none.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        norm_cfg: NormConfig = None,
        stride: int = 1,
        first: bool = False,
    ) -> None:
        super().__init__()
        norm = norm_cfg or _BN
        before = [] if first else [build_norm_layer(norm, in_channels)[1], nn.ReLU(inplace=False)]
        self.convs = nn.Sequential(
            *before,
            nn.Conv2d(in_channels, out_channels, 3, stride, padding=1),
            build_norm_layer(norm, out_channels)[1],
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1),
        )
        self.identity = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 1, stride), build_norm_layer(norm, out_channels)[1]
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.convs(x) + self.identity(x)


class ResidualUpBlock(UpBlock):
    """An ``UpBlock`` with a residual unit in the place of the two convolutions."""

    def __init__(
        self, in_channels: int, skip_channels: int, out_channels: int, norm_cfg: NormConfig = None
    ) -> None:
        nn.Module.__init__(self)
        self.up = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
        self.conv = ResidualUnit(out_channels + skip_channels, out_channels, norm_cfg)


@MODELS.register_module()
class ResUNetEncoder(FreezableEncoder):
    """Residual units, each but the first of stride 2; the last one is the paper's bridge.

    Returns a list of feature maps, finest first: for an image (N, in_channels, H, W) and the
    default widths (N, 64, H, W), (N, 128, H/2, W/2), (N, 256, H/4, W/4) and (N, 512, H/8, W/8).

    Args:
        in_channels: number of channels of the image.
        channels: width of each level, finest first.
        norm_cfg: config of the normalisation; None for BatchNorm.
        width: factor of all ``channels``.
        frozen_stages: last level that does not learn, as finer ones do not; -1 freezes none.
        init_cfg: config of MMEngine's initialisation; None keeps PyTorch's.

    Raises:
        UserError: ``frozen_stages`` is the number of no level.
    """

    def __init__(
        self,
        in_channels: int = 3,
        channels: Sequence[int] = (64, 128, 256, 512),
        norm_cfg: NormConfig = None,
        width: float = 1.0,
        frozen_stages: int = -1,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.out_channels = [scaled(level, width) for level in channels]
        first, *others = self.out_channels
        units = [ResidualUnit(in_channels, first, norm_cfg, first=True)]
        for before, after in zip(self.out_channels, others, strict=False):
            units.append(ResidualUnit(before, after, norm_cfg, stride=2))
        self.levels = nn.ModuleList(units)
        self.freeze([(level,) for level in self.levels], frozen_stages)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        features: list[torch.Tensor] = []
        for level in self.levels:
            x = level(x)
            features.append(x)
        return features


@MODELS.register_module()
class ResUNetHead(UNetHead):
    """A UNetHead of residual units; its arguments are the same."""

    up_block = ResidualUpBlock
