"""The outline of the mask as a second task of a training; it leaves nothing in predictions."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from mmengine.model import BaseModule
from mmengine.registry import MODELS
from torch import nn

from ..base.errors import UserError
from .losses.of_mmseg import build_losses, loss_of
from .losses.target import IGNORE_INDEX

#: The last convolution of a head by the names that our heads and MMSegmentation's have for it.
_LAST = ('logits', 'conv_seg')


@MODELS.register_module()
class EdgeTask(BaseModule):
    """An extra logit for the edges of the mask, from the features that the head's logits are from.

    Edges are thin and few, and what tells them from textures is what a mask needs at its outline;
    Gated-SCNN (Takikawa et al., ICCV 2019) trains them beside masks. Here the encoder and the head
    share everything but the last convolution. A test, a prediction and an exported file are without
    it.

    Args:
        in_channels: channels of the features; those of the head's last convolution if left out.
        losses: configs of the losses of the edge logit, as those of a model.
        weight: factor of these losses beside those of the mask.
        width: distance up to which a pixel belongs to an edge, in pixels: it has foreground and
            background no farther away, in both directions.

    Raises:
        UserError: two losses have one name, or one is not for masks of two classes.
    """

    def __init__(
        self, in_channels: int, losses: list[dict], weight: float = 1.0, width: int = 1
    ) -> None:
        super().__init__()
        self.logits = nn.Conv2d(in_channels, 1, 1)
        self.losses = build_losses(losses)
        self.weight = weight
        self.width = width

    def forward(
        self, features: torch.Tensor, target: torch.Tensor, align_corners: bool = False
    ) -> dict[str, torch.Tensor]:
        """Return the weighted losses, by their names with ``edge_`` before them.

        Args:
            features: features of the head, (N, ``in_channels``, h, w), float.
            target: ground truth, (N, H, W), integers: 0 background, 1 foreground, 255 ignored.
            align_corners: whether logits are upsampled as of grids whose corners agree.
        """
        logits = F.interpolate(
            self.logits(features).float(),
            target.shape[-2:],
            mode='bilinear',
            align_corners=align_corners,
        )
        edges = edges_of(target, self.width)
        return {
            f'edge_{loss.loss_name}': self.weight * loss_of(loss, logits, edges)
            for loss in self.losses
        }


def edges_of(target: torch.Tensor, width: int) -> torch.Tensor:
    """Return where a mask changes: 1 at an edge, 0 elsewhere, 255 where it is not known.

    Args:
        target: masks, (N, H, W), integers: 0 background, 1 foreground, 255 ignored.
        width: distance from an edge, in pixels, up to which a pixel belongs to it.
    """

    def near(value: int) -> torch.Tensor:
        found = (target == value).float().unsqueeze(1)
        return F.max_pool2d(found, 2 * width + 1, 1, width)[:, 0] > 0

    edge = near(0) & near(1)
    unknown = (target == IGNORE_INDEX) | (near(IGNORE_INDEX) & ~edge)
    return torch.where(unknown, IGNORE_INDEX, edge.to(target.dtype)).to(target.dtype)


def build_edge_task(config: dict | None, head: nn.Module | None) -> nn.Module | None:
    """Build the second task of a config for a decode head; None without one.

    Raises:
        UserError: the head does not show its last convolution.
    """
    if config is None:
        return None
    return MODELS.build(dict(in_channels=last_convolution(head).in_channels) | config)


def last_convolution(head: nn.Module | None) -> nn.Conv2d:
    """Return the convolution that gives the logits of a decode head.

    Raises:
        UserError: the head has none under a name that is known.
    """
    found = [getattr(head, name, None) for name in _LAST]
    for layer in found:
        if isinstance(layer, nn.Conv2d):
            return layer
    name = 'a model without decode_head' if head is None else type(head).__name__
    raise UserError(
        f'edge_task: {name} does not show the convolution of its logits; call it '
        f'{" or ".join(_LAST)}'
    )


@contextmanager
def seen_features(head: nn.Module | None) -> Iterator[list[torch.Tensor]]:
    """Yield a list that gets what the last convolution of a head is given while it runs."""
    features: list[torch.Tensor] = []
    if head is None:
        yield features
        return

    def keep(_: nn.Module, inputs: Sequence[torch.Tensor]) -> None:
        features.append(inputs[0])

    handle = last_convolution(head).register_forward_pre_hook(keep)
    try:
        yield features
    finally:
        handle.remove()
