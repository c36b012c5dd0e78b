"""The contracting path of U-Net (Ronneberger et al., MICCAI 2015), padded; reports R0 to R4."""

from collections.abc import Sequence

import torch
from mmengine.registry import MODELS
from torch import nn

from .blocks import DoubleConv, NormConfig, scaled
from .frozen_stages import FreezableEncoder


@MODELS.register_module()
class UNetEncoder(FreezableEncoder):
    """Double convolutions with 2x2 max pooling between them; the last one is the bottleneck.

    Encoders of this project return a list of feature maps, **finest first**. Here, for an input
    (N, in_channels, H, W) and the default widths:

        [(N,   64, H,    W),
         (N,  128, H/2,  W/2),
         (N,  256, H/4,  W/4),
         (N,  512, H/8,  W/8),
         (N, 1024, H/16, W/16)]

    ``out_channels`` lists the widths; H and W must be multiples of the coarsest stride.

    Args:
        in_channels: number of channels of the image.
        channels: width of each level, finest first.
        norm_cfg: config of the normalisation after each convolution; None for none (R1, R2).
        bottleneck_dropout: share of values dropped after the bottleneck (R3: 0.1).
        width: factor of all ``channels``.
        frozen_stages: last level that does not learn, as finer ones do not; 0 is the finest, -1
            freezes none.
        init_cfg: config of MMEngine's initialisation; None keeps PyTorch's.

    Raises:
        UserError: ``frozen_stages`` is the number of no level.
    """

    def __init__(
        self,
        in_channels: int = 3,
        channels: Sequence[int] = (64, 128, 256, 512, 1024),
        norm_cfg: NormConfig = None,
        bottleneck_dropout: float = 0.0,
        width: float = 1.0,
        frozen_stages: int = -1,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        self.out_channels = [scaled(level, width) for level in channels]
        widths = [in_channels, *self.out_channels]
        dropouts = [0.0] * (len(widths) - 2) + [bottleneck_dropout]
        self.levels = nn.ModuleList(
            DoubleConv(before, after, norm_cfg, dropout)
            for before, after, dropout in zip(widths, widths[1:], dropouts, strict=False)
        )
        self.pool = nn.MaxPool2d(2)
        self.freeze([(level,) for level in self.levels], frozen_stages)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        features: list[torch.Tensor] = []
        for level in self.levels:
            x = level(self.pool(x) if features else x)
            features.append(x)
        return features
