"""MMSegmentation's losses on the logits of a binary network: given what they were written for."""

from collections.abc import Sequence

import torch
from mmengine.registry import MODELS
from torch import nn

from ...base.errors import UserError
from ..foreground_logits import foreground_logits
from .target import IGNORE_INDEX, in_float32

#: Losses of softmax over channels, and of the sigmoid of one; by the name of their class.
_SOFTMAX = ('CrossEntropyLoss', 'LovaszLoss', 'OhemCrossEntropy', 'TverskyLoss')
_SIGMOID = ('CrossEntropyLoss',)

#: What takes the place of a loss that does not fit.
_INSTEAD = {
    'DiceLoss': 'it counts ignored pixels; use BinaryDiceLoss',
    'FocalLoss': 'for one class it fails on a CPU; use BinaryFocalLoss',
}


def build_losses(configs: Sequence[dict]) -> nn.ModuleList:
    """Build the loss terms of a config.

    Raises:
        UserError: two have one ``loss_name``, or one of MMSegmentation does not fit binary masks.
    """
    losses = nn.ModuleList(MODELS.build(loss) for loss in configs)
    check_losses([*losses])
    names = [loss.loss_name for loss in losses]
    if len(set(names)) < len(names):
        raise UserError(f'two losses have one loss_name in {names}')
    return losses


def check_losses(losses: Sequence[nn.Module]) -> None:
    """Refuse losses of MMSegmentation that are none of binary masks.

    Raises:
        UserError: a loss does not fit binary masks; the message names it and what to use.
    """
    for loss in losses:
        if _is_of_mmseg(loss):
            name = type(loss).__name__
            if name not in (_SIGMOID if _takes_sigmoid(loss) else _SOFTMAX):
                known = ', '.join(f'mmseg.{one}' for one in sorted({*_SOFTMAX, *_SIGMOID}))
                reason = _INSTEAD.get(name, f'of MMSegmentation these are known: {known}')
                raise UserError(f'losses: mmseg.{name} does not fit a binary mask; {reason}')


def loss_of(loss: nn.Module, logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return a loss of this project, of somebody's own, or of MMSegmentation.

    Those of MMSegmentation want a channel for each class and a target of int64: softmax over one
    channel is always 1, and a Tversky loss of it 0. A softmax over (0, z) is the sigmoid of z.

    Args:
        loss: loss that ``check_losses`` accepts.
        logits: logits of the network, (N, 1 or 2, H, W), float.
        target: ground truth, (N, H, W) uint8: 0, 1 or 255 (ignored).
    """
    if not _is_of_mmseg(loss):
        return loss(logits, target)
    z = foreground_logits(in_float32(logits))
    if not _takes_sigmoid(loss):
        z = torch.cat([torch.zeros_like(z), z], dim=1)
    if type(loss).__name__ == 'OhemCrossEntropy':  # which has told itself what is ignored
        return loss(z, target.long())
    return loss(z, target.long(), ignore_index=IGNORE_INDEX)


def _is_of_mmseg(loss: nn.Module) -> bool:
    return type(loss).__module__.startswith('mmseg.')


def _takes_sigmoid(loss: nn.Module) -> bool:
    return bool(getattr(loss, 'use_sigmoid', False))
