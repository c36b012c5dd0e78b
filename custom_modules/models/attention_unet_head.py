"""Attention U-Net's decoder (Oktay et al., MIDL 2018) as a decode head for any encoder."""

import torch
from mmcv.cnn import build_norm_layer
from mmengine.registry import MODELS
from torch import nn

from .blocks import NormConfig, UpBlock
from .unet_head import UNetHead


class AttentionGate(nn.Module):
    """Weights a skip by what the decoder has found there: (N, skip, H, W) -> the same.

    The additive gate of the paper: skip and gating features become ``channels`` by 1x1
    convolutions, their sum goes through a ReLU, one more convolution and a sigmoid, which is one
    weight from 0 to 1 for each pixel. The gating features are the decoder's after they were doubled
    in size, where the paper halves the skip and doubles the weights.
    """

    def __init__(
        self, skip_channels: int, gate_channels: int, channels: int, norm_cfg: NormConfig = None
    ) -> None:
        super().__init__()

        def convolution(before: int, after: int) -> nn.Sequential:
            layers: list[nn.Module] = [nn.Conv2d(before, after, 1)]
            if norm_cfg is not None:
                layers.append(build_norm_layer(norm_cfg, after)[1])
            return nn.Sequential(*layers)

        self.skip = convolution(skip_channels, channels)
        self.gate = convolution(gate_channels, channels)
        self.weight = convolution(channels, 1)

    def forward(self, skip: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
        return skip * self.weight((self.skip(skip) + self.gate(gate)).relu()).sigmoid()


class AttentionUpBlock(UpBlock):
    """An ``UpBlock`` whose skip goes through a gate of half its channels."""

    def __init__(
        self, in_channels: int, skip_channels: int, out_channels: int, norm_cfg: NormConfig = None
    ) -> None:
        super().__init__(in_channels, skip_channels, out_channels, norm_cfg)
        inside = max(1, skip_channels // 2)
        self.attention = AttentionGate(skip_channels, out_channels, inside, norm_cfg)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        x = self.up(x)
        return self.conv(torch.cat([self.attention(skip, x), x], dim=1))


@MODELS.register_module()
class AttentionUNetHead(UNetHead):
    """A UNetHead that looks at skips where the decoder tells it to; its arguments are the same."""

    up_block = AttentionUpBlock
