"""One logit per pixel from either output layout, at any size."""

import torch
import torch.nn.functional as F

from ..base.errors import UserError

#: Probabilities this near to 0 and 1 become finite logits.
_EPSILON = 1e-6


def foreground_logits(logits: torch.Tensor) -> torch.Tensor:
    """Return the log-odds of the foreground, (N, 1, H, W).

    One channel is that already. Of two channels (R2's UNet: background, foreground) it is the
    difference: softmax(a, b) of the foreground = sigmoid(b - a).

    Args:
        logits: logits of the network, (N, 1, H, W) or (N, 2, H, W), float.
    """
    assert logits.ndim == 4 and logits.shape[1] in (1, 2), logits.shape
    return logits if logits.shape[1] == 1 else logits[:, 1:] - logits[:, :1]


def logits_of(probability: torch.Tensor, channels: int) -> torch.Tensor:
    """Return logits (N, channels, H, W) whose ``foreground_logits`` are of a probability.

    Args:
        probability: probability of the foreground, (N, 1, H, W), float.
        channels: number of logits per pixel, 1 or 2.
    """
    # Not torch.logit, whose clamp is an ONNX graph of comparisons.
    inside = probability.clamp(_EPSILON, 1 - _EPSILON)
    logits = torch.log(inside / (1 - inside))
    return logits if channels == 1 else torch.cat([torch.zeros_like(logits), logits], 1)


def check_logits(logits: torch.Tensor, images: str) -> None:
    """Let no mask be made of logits that are not numbers: all of it would be background.

    Args:
        logits: logits of any shape, float. Infinite ones are certain, and taken as they are.
        images: name of what the logits are of, for the message.

    Raises:
        UserError: a logit is NaN.
    """
    if logits.isnan().any():
        raise UserError(
            f'{images}: the network gives NaN instead of logits. Its weights or the numbers '
            'between its layers are too large: try precision=fp32, an earlier checkpoint, or train '
            'again with a smaller learning_rate'
        )


def upsample_logits(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return the logits of an image, (1, h, w), at ``size`` (H, W), bilinearly."""
    return F.interpolate(logits[None], size, mode='bilinear')[0]
