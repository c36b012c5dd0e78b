"""The way of a picture to the network's input and back: resized, padded, and both undone.

A pipeline notes each change in ``results['size_changes']``, as ``(kind, before, after)``: 'resize'
or 'pad' (at the right and below), with the sizes (H, W) before and after it.
"""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from ..base.errors import UserError

#: (H, W) in pixels.
Size = tuple[int, int]
SizeChange = tuple[str, Size, Size]


def check_size_changes(changes: Sequence[SizeChange], original: Size, final: Size) -> None:
    """Refuse a way with a step that is not known, such as a crop: nothing leads back through it.

    Args:
        changes: size changes, in the order of the pipeline.
        original: (H, W) of the image's file, in pixels.
        final: (H, W) of the network's input, in pixels.

    Raises:
        UserError: the changes do not lead from one size to the other.
    """
    if leads_back(changes, original, final):
        return
    raise UserError(
        f'a step of the pipeline, other than Resize and Pad, makes {final[1]}x{final[0]} of an '
        f'image of {original[1]}x{original[0]}: what is found cannot be put back to where it was. '
        "Use Resize and Pad in the test pipeline, or score with resolution = 'input'"
    )


def leads_back(
    changes: Sequence[SizeChange], original: Sequence[int], final: Sequence[int]
) -> bool:
    """Say whether the changes lead from the size of the file to that of the network's input."""
    size = tuple(original)
    for _, before, after in changes:
        if tuple(before) != size:
            return False
        size = tuple(after)
    return size == tuple(final)


def undo_size_changes(
    logits: torch.Tensor, changes: Sequence[SizeChange], original: Size
) -> torch.Tensor:
    """Return the logits of an image at the size of its file: padding cut off, then bilinearly.

    Args:
        logits: (1, h, w) logits at the size of the network's input.
        changes: size changes from the file to the network's input, in their order.
        original: (H, W) of the image's file, in pixels.

    Raises:
        UserError: the changes do not lead from ``original`` to the size of the logits.
    """
    check_size_changes(changes, original, _size(logits))
    for number, (kind, before, _) in reversed([*enumerate(changes)]):
        if kind == 'pad':
            logits = logits[..., : before[0], : before[1]]
        elif number == 0 or changes[number - 1][0] == 'pad':  # several resizes are undone at once
            logits = F.interpolate(logits[None], tuple(before), mode='bilinear')[0]
    return logits.contiguous()  # the sigmoid of a view rounds otherwise


def redo_size_changes(
    mask: torch.Tensor, changes: Sequence[SizeChange], outside: int
) -> torch.Tensor:
    """Return a mask of the file's size as the network's input lies.

    Args:
        mask: (1, H, W) mask at the size of its file; its values are labels, which are not mixed.
        changes: size changes from the file to the network's input, in their order.
        outside: value that padded pixels get.
    """
    for kind, before, after in changes:
        if kind == 'pad':
            mask = F.pad(mask, (0, after[1] - before[1], 0, after[0] - before[0]), value=outside)
        elif _size(mask) != tuple(after):
            mask = F.interpolate(mask[None], tuple(after), mode='nearest-exact')[0]
    return mask


def box_of_picture(changes: Sequence[SizeChange], original: Size) -> tuple[slice, slice]:
    """Return the rows and columns of the network's input whose centres lie in the picture.

    Args:
        changes: size changes from the file to the network's input, in their order.
        original: (H, W) of the image's file, in pixels.
    """
    ends = []
    for side, length in enumerate(original):
        end = float(length)
        for kind, before, after in changes:
            if kind == 'resize':
                end *= after[side] / before[side]
        ends.append(math.ceil(end - 0.5))
    return slice(0, ends[0]), slice(0, ends[1])


def _size(tensor: torch.Tensor) -> Size:
    return (tensor.shape[-2], tensor.shape[-1])
