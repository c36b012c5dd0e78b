"""UNet++'s nested decoder (Zhou et al., DLMIA 2018) as a decode head for any encoder."""

from collections.abc import Sequence
from typing import cast

import torch
from mmengine.registry import MODELS
from torch import nn

from .blocks import NormConfig, UpBlock
from .unet_head import UNetHead


@MODELS.register_module()
class UNetPlusPlusHead(UNetHead):
    """A UNetHead with dense skips: each level is decoded again and again, from what is below it.

    Node (i, j) is at level i, 0 the finest, and the j-th of its level; (i, 0) is the encoder's
    feature. It gets all nodes before it at its level, and the one below, (i + 1, j - 1), doubled in
    size. All nodes of a level have its width in ``channels``; the logits are from (0, last). The
    arguments are those of UNetHead. Deep supervision is of ``auxiliary_head``.
    """

    up_block = UpBlock

    def _up_blocks(
        self, in_channels: Sequence[int], channels: Sequence[int], norm_cfg: NormConfig
    ) -> nn.ModuleDict:
        widths = [*reversed(channels)]  # finest first, as the features
        blocks = nn.ModuleDict()
        for column in range(1, len(in_channels)):
            for level in range(len(in_channels) - column):
                below = in_channels[level + 1] if column == 1 else widths[level + 1]
                skips = in_channels[level] + (column - 1) * widths[level]
                name = f'{level}_{column}'
                blocks[name] = self.up_block(below, skips, widths[level], norm_cfg)
        return blocks

    def decoded(self, features: Sequence[torch.Tensor]) -> torch.Tensor:
        blocks = cast(nn.ModuleDict, self.up_blocks)
        levels = [[feature] for feature in features]
        for column in range(1, len(features)):
            for level in range(len(features) - column):
                skip = torch.cat(levels[level], dim=1)
                below = levels[level + 1][column - 1]
                levels[level].append(blocks[f'{level}_{column}'](below, skip))
        return levels[0][-1]
