"""Building blocks shared by the encoders and the decode heads.

Tensors are (N, C, H, W). ``norm_cfg`` is MMCV's: ``dict(type='BN')``, or None for no normalisation.
"""

import torch
from mmcv.cnn import build_norm_layer
from torch import nn

NormConfig = dict | None


def scaled(channels: int, width: float) -> int:
    """Return a number of channels times a width multiplier (MobileNets, 2017), at least 1."""
    return max(1, round(channels * width))


def conv_norm_relu(
    in_channels: int,
    out_channels: int,
    kernel_size: int = 3,
    norm_cfg: NormConfig = None,
    bias: bool = True,
) -> list[nn.Module]:
    """Return [padded convolution, (normalisation,) ReLU]; the size does not change."""
    layers: list[nn.Module] = [
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=bias)
    ]
    if norm_cfg is not None:
        layers.append(build_norm_layer(norm_cfg, out_channels)[1])
    layers.append(nn.ReLU(inplace=True))
    return layers


class DoubleConv(nn.Sequential):
    """Two [3x3 convolution, (normalisation,) ReLU]: (N, in, H, W) -> (N, out, H, W).

    The block of U-Net (Ronneberger et al., MICCAI 2015), padded. ``dropout`` drops values after it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        norm_cfg: NormConfig = None,
        dropout: float = 0.0,
    ) -> None:
        layers = [
            *conv_norm_relu(in_channels, out_channels, norm_cfg=norm_cfg),
            *conv_norm_relu(out_channels, out_channels, norm_cfg=norm_cfg),
        ]
        if dropout > 0:
            layers.append(nn.Dropout(dropout))
        super().__init__(*layers)


class ResidualBlock(nn.Module):
    """ResNet's basic block (He et al., CVPR 2016): (N, in, H, W) -> (N, out, H/stride, W/stride).

    The names of its layers are torchvision's, so that published weights load.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        norm_cfg: NormConfig = None,
        bias: bool = False,
    ) -> None:
        super().__init__()
        norm_cfg = norm_cfg or dict(type='BN')
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, padding=1, bias=bias)
        self.bn1 = build_norm_layer(norm_cfg, out_channels)[1]
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=bias)
        self.bn2 = build_norm_layer(norm_cfg, out_channels)[1]
        self.downsample: nn.Module | None = None
        if stride != 1 or in_channels != out_channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=bias),
                build_norm_layer(norm_cfg, out_channels)[1],
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.bn2(self.conv2(x))
        return self.relu(x + identity)


class UpBlock(nn.Module):
    """One step of the U-Net decoder: double the size, concatenate the skip, two convolutions.

    ``x`` (N, in, H, W) and ``skip`` (N, skip, 2H, 2W) -> (N, out, 2H, 2W). The 2x2 transposed
    convolution of stride 2 already reduces the channels from ``in`` to ``out``.
    """

    def __init__(
        self,
        in_channels: int,
        skip_channels: int,
        out_channels: int,
        norm_cfg: NormConfig = None,
    ) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, out_channels, 2, stride=2)
        self.conv: nn.Module = DoubleConv(out_channels + skip_channels, out_channels, norm_cfg)

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return self.conv(torch.cat([skip, self.up(x)], dim=1))
