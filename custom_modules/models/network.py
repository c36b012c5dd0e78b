"""From images to logits of their size: encoder, neck and decode head, ours or anybody's."""

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ..base.errors import UserError


def features_of(parts: Any, images: torch.Tensor) -> Sequence[torch.Tensor]:
    """Return the feature maps that the decode head of a model sees.

    Args:
        parts: what has ``backbone`` and ``neck`` (None for none), such as a BinarySegmentor.
        images: normalised images, (N, C, H, W), float.
    """
    features = parts.backbone(images)
    return features if parts.neck is None else parts.neck(features)


def logits_of(parts: Any, images: torch.Tensor) -> torch.Tensor:
    """Return logits (N, 1 or 2, H, W) of normalised images (N, C, H, W).

    Args:
        parts: what has ``backbone``, ``neck`` and ``decode_head``. Without a head (None) the
            encoder is a whole network that gives logits itself.
        images: normalised images, (N, C, H, W), float.

    Raises:
        UserError: the network gives something else than logits.
    """
    found = features_of(parts, images)
    if parts.decode_head is not None:
        return head_logits(parts.decode_head, found, images)
    # torchvision's segmentation models give their logits under this name.
    logits = found.get('out') if isinstance(found, dict) else found
    return _at_size(logits, images, parts.backbone)


def head_logits(
    head: nn.Module, features: Sequence[torch.Tensor], images: torch.Tensor
) -> torch.Tensor:
    """Return the logits of a decode head, upsampled to the size of the images.

    Raises:
        UserError: the head gives something else than logits.
    """
    return _at_size(head(features), images, head)


def size_divisor(parts: Any) -> int:
    """Return the number that height and width of an image must be multiples of; 1 for any."""
    last = parts.backbone if parts.decode_head is None else parts.decode_head
    return int(getattr(last, 'size_divisor', 1))


def check_sides(width: int, height: int, divisor: int, patch: bool = False) -> None:
    """Refuse an image whose sides are no multiples of what a network divides them by.

    Args:
        width: width of the network's input, in pixels.
        height: height of the network's input, in pixels.
        divisor: number that both have to be multiples of.
        patch: whether the image is a patch or a window, whose size has another name.

    Raises:
        UserError: a side is no multiple of ``divisor``; the message names the size to use.
    """
    if height % divisor or width % divisor:
        fitting = [max(1, round(side / divisor)) * divisor for side in (width, height)]
        setting = f'patch_size = {fitting[0]}' if patch else f'image_size = {(*fitting,)}'
        raise UserError(
            f'an image of {width}x{height} does not fit this network: width and height must be '
            f'multiples of {divisor}; use {setting}'
        )


def _at_size(logits: Any, images: torch.Tensor, made_by: nn.Module) -> torch.Tensor:
    """Return logits of the images' size; what has a ``size_divisor`` has promised that."""
    if hasattr(made_by, 'size_divisor'):
        return logits
    if not isinstance(logits, torch.Tensor) or logits.ndim != 4 or logits.shape[1] not in (1, 2):
        shape = f' of shape {[*logits.shape]}' if isinstance(logits, torch.Tensor) else ''
        raise UserError(
            f'{type(made_by).__name__}: gives a {type(logits).__name__}{shape} and not logits '
            '(N, 1 or 2, H, W); it cannot be the last part of a BinarySegmentor'
        )
    align = bool(getattr(made_by, 'align_corners', False))
    return F.interpolate(logits, images.shape[-2:], mode='bilinear', align_corners=align)
