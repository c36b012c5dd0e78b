"""What an encoder and a decode head offer each other; classes of one's own inherit nothing."""

import copy
import inspect
from collections.abc import Sequence
from typing import Any, Protocol

import torch
from mmengine.registry import MODELS
from torch import nn

from ..base.errors import UserError
from .blocks import scaled
from .mmseg_heads import build_mmseg_head, is_of_mmseg

#: Side of the image that an encoder is asked with, in pixels.
_PROBE = 128


class Encoder(Protocol):
    """Turns images into feature maps: ``model.backbone`` of a config.

    Attributes:
        out_channels: widths of the feature maps, finest first. An encoder without them is run once
            without memory to know them; if that fails, the config gives
            ``decode_head.in_channels``.
    """

    out_channels: Sequence[int]

    def __call__(self, images: torch.Tensor, /) -> Sequence[torch.Tensor]:
        """Return feature maps of normalised images (N, C, H, W), finest first.

        Each (N, C, h, w) is half as high and wide as the one before it.
        """


class DecodeHead(Protocol):
    """Turns feature maps into logits: ``model.decode_head`` of a config.

    Its class may take ``in_channels``, the widths of the encoder's feature maps. A head without
    ``size_divisor`` takes any size, and its logits, which may be smaller, are upsampled
    bilinearly to the image's.

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
    kind = _class_of(config)
    default = inspect.signature(kind).parameters.get('in_channels') if kind else None
    if default is None:
        return
    found = config.get('in_channels', default.default)
    if isinstance(found, int) and found != channels:
        raise UserError(
            f'model.backbone is for images of {found} channels, model.data_preprocessor for '
            f"{channels}; write in_channels='$in_channels' in both, and in_channels = {found} above"
        )


def build_heads(config: dict | list[dict] | None, encoder: nn.Module) -> nn.ModuleList:
    """Build the auxiliary heads of a config, which may be one, a list or None."""
    configs = [] if config is None else [config] if isinstance(config, dict) else config
    return nn.ModuleList(build_head(one, encoder) for one in configs)


def build_head(config: dict[str, Any], encoder: Any) -> Any:
    """Build a decode head that fits an encoder.

    Args:
        config: config of the head. ``in_channels`` are the encoder's if they are left out; if they
            are given to a head of this project, they are those of an encoder of width 1 and
            ``width`` of the head is their factor as well.
        encoder: encoder, or encoder and neck, whose feature maps the head takes. One that does not
            tell its ``out_channels`` is asked, see ``widths_of``.

    Raises:
        UserError: the widths given are not the encoder's, or they are left out and the encoder does
            not tell its own; or a head of MMSegmentation does not fit a binary mask.
    """
    kind = _class_of(config)
    if kind is not None and is_of_mmseg(kind):
        return build_mmseg_head(config, kind, lambda: _known_widths(encoder, kind))
    taken = None if kind is None else inspect.signature(kind).parameters.get('in_channels')
    if kind is None or taken is None:
        return MODELS.build(config)
    given = config.get('in_channels')
    if given is None:
        if taken.default is None and getattr(encoder, 'out_channels', None) is None:
            return MODELS.build(config)  # as an ensemble's, whose members are told
        return MODELS.build(config | dict(in_channels=_known_widths(encoder, kind)))
    if isinstance(given, Sequence):
        given = [scaled(channels, config.get('width', 1.0)) for channels in given]
        told = getattr(encoder, 'out_channels', None)
        if isinstance(told, Sequence) and given != [*told]:
            raise UserError(
                f'{type(encoder).__name__} and {kind.__name__}: the encoder gives features of '
                f'{[*told]} channels and the head is told {given}; leave decode_head.in_channels '
                'out'
            )
    return MODELS.build(config | dict(in_channels=given))


def _class_of(config: dict[str, Any]) -> Any:
    name = config.get('type')
    return MODELS.get(name) if isinstance(name, str) else name


def _known_widths(encoder: Any, kind: type) -> list[int]:
    found = widths_of(encoder)
    if found is None:
        raise UserError(
            f'{type(encoder).__name__} and {kind.__name__}: the head needs the widths of the '
            'features; give the encoder an attribute out_channels, or write '
            'decode_head.in_channels, finest first'
        )
    return found


def widths_of(encoder: Any) -> list[int] | None:
    """Return the widths of an encoder's feature maps, finest first; None if it does not tell.

    It tells them by its ``out_channels``, or by a run without memory on PyTorch's ``meta`` device.
    """
    told = getattr(encoder, 'out_channels', None)
    if isinstance(told, Sequence):
        return [*told]
    images = torch.empty(1, int(getattr(encoder, 'in_channels', 3)), _PROBE, _PROBE, device='meta')
    try:
        probe = copy.deepcopy(encoder).to('meta')
        probe.eval()  # which MMSegmentation's encoders do not return
        with torch.no_grad():
            features = probe(images)
        return [one.shape[1] for one in features]
    except Exception:  # what an encoder of somebody else needs beside an image has no end
        return None
