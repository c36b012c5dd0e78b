"""What an encoder and a decode head offer each other; classes of one's own inherit nothing."""

import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from mmengine.registry import MODELS

from ..base.errors import UserError
from .blocks import scaled


class Encoder(Protocol):
    """Turns images into feature maps: ``model.backbone`` of a config.

    Attributes:
        out_channels: widths of the feature maps, finest first. An encoder without them still works
            if the config gives ``decode_head.in_channels``.
    """

    out_channels: Sequence[int]

    def __call__(self, images: torch.Tensor, /) -> Sequence[torch.Tensor]:
        """Return feature maps of normalised images (N, C, H, W), finest first.

        Each (N, C, h, w) is half as high and wide as the one before it.
        """


class DecodeHead(Protocol):
    """Turns feature maps into logits: ``model.decode_head`` of a config.

    Its class may take ``in_channels``, the widths of the encoder's feature maps.

    Attributes:
        size_divisor: number that height and width of the image must be multiples of.
        out_channels: number of logits per pixel: 1, or 2 for background and foreground.
    """

    size_divisor: int
    out_channels: int

    def __call__(self, features: Sequence[torch.Tensor], /) -> torch.Tensor:
        """Return logits (N, out_channels, H, W) of the image's size, float."""


def check_in_channels(config: dict[str, Any], channels: int) -> None:
    """Refuse an encoder for images of other channels than the preprocessor gives.

    Args:
        config: config of the encoder; a class without ``in_channels`` is not asked.
        channels: number of channels of the preprocessor's images.

    Raises:
        UserError: the two numbers differ; the message says what to write.
    """
    kind = MODELS.get(config['type']) if isinstance(config.get('type'), str) else config.get('type')
    default = inspect.signature(kind).parameters.get('in_channels') if kind else None
    if default is None:
        return
    found = config.get('in_channels', default.default)
    if isinstance(found, int) and found != channels:
        raise UserError(
            f'model.backbone is for images of {found} channels, model.data_preprocessor for '
            f"{channels}; write in_channels='$in_channels' in both, and in_channels = {found} above"
        )


def build_head(config: dict[str, Any], encoder: Any) -> Any:
    """Build a decode head that fits an encoder.

    Args:
        config: config of the head. ``in_channels`` are the encoder's ``out_channels`` if they are
            left out; if they are given, they are those of an encoder of width 1 and ``width`` of
            the head is their factor as well.
        encoder: encoder whose feature maps the head takes.

    Raises:
        UserError: the widths given are not the encoder's, or they are left out and the encoder does
            not tell its own.
    """
    kind = MODELS.get(config['type']) if isinstance(config.get('type'), str) else config.get('type')
    told = getattr(encoder, 'out_channels', None)
    own = [*told] if isinstance(told, Sequence) else None
    given = config.get('in_channels')
    taken = None if kind is None else inspect.signature(kind).parameters.get('in_channels')
    if kind is None or taken is None:
        return MODELS.build(config)
    names = f'{type(encoder).__name__} and {kind.__name__}'
    if given is None:
        if own is None and taken.default is None:  # as an ensemble's, whose members are told
            return MODELS.build(config)
        if own is None:
            raise UserError(
                f'{names}: the head needs the widths of the features; give the encoder an '
                'attribute out_channels, or write decode_head.in_channels, finest first'
            )
        return MODELS.build(config | dict(in_channels=own))
    if isinstance(given, Sequence):
        given = [scaled(channels, config.get('width', 1.0)) for channels in given]
        if own is not None and given != own:
            raise UserError(
                f'{names}: the encoder gives features of {own} channels and the head is told '
                f'{given}; leave decode_head.in_channels out'
            )
    return MODELS.build(config | dict(in_channels=given))
