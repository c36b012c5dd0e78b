"""One logit per pixel from either output layout."""

import torch


def foreground_logits(logits: torch.Tensor) -> torch.Tensor:
    """Return the log-odds of the foreground, (N, 1, H, W).

    One channel is that already. Of two channels (R2's UNet: background, foreground) it is the
    difference: softmax(a, b) of the foreground = sigmoid(b - a).

    Args:
        logits: (N, 1, H, W) or (N, 2, H, W), float.
    """
    assert logits.ndim == 4 and logits.shape[1] in (1, 2), logits.shape
    return logits if logits.shape[1] == 1 else logits[:, 1:] - logits[:, :1]
