"""Several networks of one recipe as one: the mean of their probabilities.

Encoder and head are parts like any others, so that whatever takes a model (a test, a prediction, an
export) takes an ensemble. It is made of trained networks and does not train.
"""

from collections.abc import Sequence
from types import SimpleNamespace

import torch
from mmengine.registry import MODELS
from torch import nn

from ..base.errors import UserError
from .encoder_and_head import build_head
from .foreground_logits import foreground_logits, logits_of

#: What the names of the weights of an ensemble begin with.
MEMBERS = 'backbone.members.'


@MODELS.register_module()
class EnsembleEncoder(nn.Module):
    """The encoders of all members, side by side.

    Args:
        member: config of the encoder that each member has.
        members: number of members.

    Attributes:
        out_channels: widths of the feature maps of a member; None where its encoder does not tell.
    """

    def __init__(self, member: dict, members: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(MODELS.build(member) for _ in range(members))
        self.out_channels = getattr(self.members[0], 'out_channels', None)

    def forward(self, images: torch.Tensor) -> list[Sequence[torch.Tensor]]:
        """Return the feature maps of each member, of normalised images (N, C, H, W).

        Raises:
            UserError: the ensemble is being trained.
        """
        if self.training:
            raise UserError(
                'an ensemble predicts and does not train; train the config of its members, and '
                'begin with one of them (init = folds/0/latest/last.pth)'
            )
        return [member(images) for member in self.members]


@MODELS.register_module()
class EnsembleHead(nn.Module):
    """The heads of all members, and the mean of their probabilities.

    Args:
        member: config of the decode head that each member has.
        members: number of members.
        in_channels: widths of the feature maps of a member's encoder; None where the encoder does
            not tell and ``member`` says them.
    """

    def __init__(
        self, member: dict, members: int, in_channels: Sequence[int] | None = None
    ) -> None:
        super().__init__()
        encoder = SimpleNamespace(out_channels=in_channels)
        self.members = nn.ModuleList(build_head(member, encoder) for _ in range(members))

    @property
    def size_divisor(self) -> int:
        """Number that the sides of images must be multiples of: that of each member."""
        return int(self.members[0].size_divisor)  # type: ignore[arg-type]

    @property
    def out_channels(self) -> int:
        """Number of logits per pixel: that of each member."""
        return int(self.members[0].out_channels)  # type: ignore[arg-type]

    def forward(self, features: Sequence[Sequence[torch.Tensor]]) -> torch.Tensor:
        """Return logits (N, out_channels, H, W), float32, of the mean of the probabilities.

        Args:
            features: feature maps of each member, as ``EnsembleEncoder`` returns them.
        """
        pairs = zip(self.members, features, strict=True)
        logits = [foreground_logits(member(maps).float()) for member, maps in pairs]
        mean = torch.stack([one.sigmoid() for one in logits]).mean(0)
        return logits_of(mean, self.out_channels)
