"""What the losses share: a target with ignored pixels, as floats and weights."""

import torch

IGNORE_INDEX = 255


def in_float32(logits: torch.Tensor) -> torch.Tensor:
    """Return logits in float32 at least: sums over an image overflow in float16."""
    return logits if logits.dtype == torch.float64 else logits.float()


def foreground_and_valid(
    logits: torch.Tensor, target: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Split a target into foreground and valid pixels.

    Args:
        logits: logits of the foreground, (N, 1, H, W), float.
        target: ground truth, (N, H, W), integers: 0 background, 1 foreground, 255 ignored.

    Returns:
        Two float tensors (N, 1, H, W), the first 1 where the pixel is foreground, the second 1
        where it counts.
    """
    assert logits.shape[1] == 1 and logits[:, 0].shape == target.shape, (logits.shape, target.shape)
    target = target.unsqueeze(1)
    return (target == 1).to(logits.dtype), (target != IGNORE_INDEX).to(logits.dtype)
