"""One logit per pixel from either output layout, at any size."""

import torch
import torch.nn.functional as F


def foreground_logits(logits: torch.Tensor) -> torch.Tensor:
    """Return the log-odds of the foreground, (N, 1, H, W).

    One channel is that already. Of two channels (R2's UNet: background, foreground) it is the
    difference: softmax(a, b) of the foreground = sigmoid(b - a).

    Args:
        logits: (N, 1, H, W) or (N, 2, H, W), float.
    """
    assert logits.ndim == 4 and logits.shape[1] in (1, 2), logits.shape
    return logits if logits.shape[1] == 1 else logits[:, 1:] - logits[:, :1]


def enlarge_logits(logits: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return the logits of an image, (1, h, w), at ``size`` (H, W), bilinearly."""
    return F.interpolate(logits[None], size, mode='bilinear')[0]
