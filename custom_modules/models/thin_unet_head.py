"""Decoder C of report R2: a bridge and a thin decoder whose blocks concatenate first."""

from collections.abc import Sequence

import torch
from mmcv.cnn import build_norm_layer
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from torch import nn

from ..base.errors import UserError
from .blocks import DoubleConv, NormConfig, conv_norm_relu, scaled


class ConcatFirstUpBlock(nn.Module):
    """Concatenate the skip of equal size, double the size, two convolutions.

    ``x`` (N, in, H, W) and ``skip`` (N, skip, H, W) -> (N, out, 2H, 2W). The 2x2 transposed
    convolution of stride 2 reduces the channels from ``in + skip`` to ``out``.
    """

    def __init__(
        self, in_channels: int, skip_channels: int, out_channels: int, norm_cfg: NormConfig = None
    ) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels + skip_channels, out_channels, 2, stride=2)
        self.conv = DoubleConv(out_channels, out_channels, norm_cfg)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return self.conv(self.up(torch.cat([skip, x], dim=1)))


@MODELS.register_module()
class ThinUNetHead(BaseModule):
    """Bridge, thin up-blocks from the coarsest to the finest feature, 1x1 convolution.

    Takes the encoder's list, finest first, with widths ``in_channels``, each level half the size of
    the one before it. The bridge, a 1x1 convolution, starts from the coarsest feature, which the
    first up-block also gets as its skip. So as many up-blocks as features bring the finest feature
    to twice its size, and one more 2x2 transposed convolution doubles it again. For ResNet-34
    (strides 4 to 32) that is the image's size: returns logits (N, out_channels, 4h, 4w) where
    (h, w) is the size of the finest feature.

    Args:
        in_channels: widths of the encoder's features, finest first; left out of a config, the
            encoder tells them.
        bridge_channels: width of the bridge.
        channels: width of every up-block.
        widened: level (0 is the finest) -> width that a 1x1 convolution first brings the skip of
            that level to. R2 widens the third stage to 512.
        norm_cfg: config of the normalisation after each convolution; None for none.
        output_norm_relu: whether BatchNorm and ReLU follow the logits. R2 shows that the loss then
            does not fall; only for that study.
        out_channels: number of logits per pixel: 1, or 2 for background and foreground.
        width: factor of the other widths, and in a config of ``in_channels`` too.
        init_cfg: config of MMEngine's initialisation; None keeps PyTorch's.

    Raises:
        UserError: ``widened`` names a level that the encoder does not have.
    """

    def __init__(
        self,
        in_channels: Sequence[int],
        bridge_channels: int = 256,
        channels: int = 32,
        widened: dict[int, int] | None = None,
        norm_cfg: NormConfig = None,
        output_norm_relu: bool = False,
        out_channels: int = 1,
        width: float = 1.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(init_cfg)
        # Levels are texts in the JSON of a published model.
        widened = {int(level): wide for level, wide in (widened or {}).items()}
        unknown = sorted(set(widened) - set(range(len(in_channels))))
        if unknown:
            raise UserError(
                f'ThinUNetHead: widened names the level {unknown[0]!r}; the encoder has the levels '
                f'0 to {len(in_channels) - 1}'
            )
        widened = {level: scaled(wide, width) for level, wide in widened.items()}
        bridge_channels, channels = scaled(bridge_channels, width), scaled(channels, width)
        self.out_channels = out_channels
        #: Height and width of the image must be multiples of this.
        self.size_divisor = 2 ** (len(in_channels) + 1)
        self.bridge = nn.Sequential(
            *conv_norm_relu(in_channels[-1], bridge_channels, 1, norm_cfg=norm_cfg)
        )
        self.widen = nn.ModuleDict(
            {str(level): nn.Conv2d(in_channels[level], wide, 1) for level, wide in widened.items()}
        )
        skips = [widened.get(level, own) for level, own in enumerate(in_channels)]
        befores = [bridge_channels] + [channels] * (len(in_channels) - 1)
        self.up_blocks = nn.ModuleList(
            ConcatFirstUpBlock(before, skip, channels, norm_cfg)
            for before, skip in zip(befores, reversed(skips), strict=True)
        )
        self.last_up = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.logits = nn.Conv2d(channels, out_channels, 1)
        self.output = nn.Sequential()
        if output_norm_relu:
            norm = build_norm_layer(dict(type='BN'), out_channels)[1]
            self.output = nn.Sequential(norm, nn.ReLU())

    def forward(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        skips = [
            self.widen[str(level)](feature) if str(level) in self.widen else feature
            for level, feature in enumerate(features)
        ]
        x = self.bridge(features[-1])
        for up_block, skip in zip(self.up_blocks, reversed(skips), strict=True):
            x = up_block(x, skip)
        return self.output(self.logits(self.last_up(x)))
