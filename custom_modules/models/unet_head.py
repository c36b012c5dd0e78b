"""The expanding path of U-Net as a decode head for any encoder that returns a pyramid."""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from torch import nn

from ..base.errors import UserError
from .blocks import NormConfig, UpBlock, scaled


@MODELS.register_module()
class UNetHead(BaseModule):
    """Up-blocks from the coarsest to the finest feature, then a 1x1 convolution to the logits.

    Takes the encoder's list, finest first, with widths ``in_channels``, each level half the size of
    the one before it. Returns logits (N, out_channels, s*h, s*w) where (h, w) is the size of the
    finest feature and s = 2 ** (``extra_upsamples`` + ``logit_upsamples``).

    Args:
        in_channels: widths of the encoder's features, finest first; left out of a config, the
            encoder tells them.
        channels: width after each up-block, coarsest first; one fewer than ``in_channels``.
        extra_upsamples: number of [2x2 transposed convolution, (normalisation,) ReLU] that follow
            the up-blocks; 2 bring a ResNet's stride 4 to full size (decoder A of R0).
        logit_upsamples: number of doublings of the logits by bilinear interpolation (decoder B of
            R1: 1).
        norm_cfg: config of the normalisation after each convolution; None for none.
        out_channels: number of logits per pixel: 1, or 2 for background and foreground.
        width: factor of ``channels``, and in a config of ``in_channels`` too.
        init_cfg: config of MMEngine's initialisation; None keeps PyTorch's.

    Raises:
        UserError: the number of ``channels`` does not fit ``in_channels``.
    """

    #: What doubles the size and takes in a skip; heads of other kinds have other ones.
    up_block: type[nn.Module] = UpBlock

    def __init__(
        self,
        in_channels: Sequence[int],
        channels: Sequence[int] = (512, 256, 128, 64),
        extra_upsamples: int = 0,
        logit_upsamples: int = 0,
        norm_cfg: NormConfig = None,
        out_channels: int = 1,
        width: float = 1.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        if len(channels) != len(in_channels) - 1:
            raise UserError(
                f'{type(self).__name__}: {len(in_channels)} encoder features need '
                f'{len(in_channels) - 1} decoder widths, found channels={tuple(channels)}'
            )
        self.out_channels = out_channels
        #: Height and width of the image must be multiples of this.
        self.size_divisor = 2 ** (len(channels) + extra_upsamples + logit_upsamples)
        self.logit_scale = 2**logit_upsamples
        channels = [scaled(level, width) for level in channels]
        self.up_blocks = self._up_blocks(in_channels, channels, norm_cfg)
        self.extra_upsamples = nn.Sequential(
            *(self._extra_upsample(channels[-1], norm_cfg) for _ in range(extra_upsamples))
        )
        self.logits = nn.Conv2d(channels[-1], out_channels, 1)

    def _up_blocks(
        self, in_channels: Sequence[int], channels: Sequence[int], norm_cfg: NormConfig
    ) -> nn.Module:
        """Return the blocks that ``decoded`` goes through."""
        coarsest, *skips = reversed(in_channels)
        before = [coarsest, *channels]
        return nn.ModuleList(
            self.up_block(wide, skip, narrow, norm_cfg)
            for wide, skip, narrow in zip(before, skips, channels, strict=False)
        )

    @staticmethod
    def _extra_upsample(channels: int, norm_cfg: NormConfig) -> nn.Sequential:
        layers: list[nn.Module] = [nn.ConvTranspose2d(channels, channels, 2, stride=2)]
        if norm_cfg is not None:
            layers.append(build_norm_layer(norm_cfg, channels)[1])
        return nn.Sequential(*layers, nn.ReLU(inplace=True))

    def decoded(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return one feature map of the size of the finest, (N, ``channels[-1]``, h, w)."""
        x, *skips = reversed(features)
        for up_block, skip in zip(cast(nn.ModuleList, self.up_blocks), skips, strict=True):
            x = up_block(x, skip)
        return x

    def forward(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        logits = self.logits(self.extra_upsamples(self.decoded(features)))
        if self.logit_scale > 1:
            logits = F.interpolate(logits.float(), scale_factor=self.logit_scale, mode='bilinear')
        return logits
