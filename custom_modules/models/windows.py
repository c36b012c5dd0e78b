"""Overlapping windows over an image that is too large, or too finely resolved, to be seen whole."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from mmseg.structures import SegDataSample

from ..base.errors import UserError

#: Rows and columns of a window.
Window = tuple[slice, slice]

#: Logits beyond this are as certain; two infinite ones of opposite signs would have no mean.
_CERTAIN = 1e4


@dataclass(frozen=True)
class Windows:
    """How a network sees a picture: in squares of one size, some at a time.

    Attributes:
        size: side of the windows, in pixels.
        overlap: share of a window that its neighbour sees too, 0 to below 1.
        batch_size: number of windows that the network sees at a time.
    """

    size: int
    overlap: float = 0.25
    batch_size: int = 8

    def over(self, shape: Sequence[int]) -> list[Window]:
        """Return the windows over a picture of ``shape`` (H, W), row by row."""
        return windows((shape[0], shape[1]), self.size, self.overlap)

    def cut(self, picture: torch.Tensor, window: Window) -> torch.Tensor:
        """Return a window of a picture (..., H, W), (..., size, size), contiguous.

        A picture that is smaller is continued by its last pixels at the right and below.
        """
        cut = picture[(..., *window)]
        rows, columns = (
            torch.arange(self.size, device=picture.device).clamp_max(length - 1)
            for length in cut.shape[-2:]
        )
        return cut[..., rows[:, None], columns]

    def logits(
        self, network: Callable[[list[torch.Tensor]], torch.Tensor], picture: torch.Tensor
    ) -> torch.Tensor:
        """Return the logits of a picture, (C, H, W), float32: the mean of its windows.

        Args:
            network: function from N windows, (3, size, size) each, to logits (N, C, size, size).
            picture: picture as the network takes it, (3, H, W).
        """
        height, width = picture.shape[-2:]
        places = self.over((height, width))

        def seen() -> Iterator[tuple[Window, torch.Tensor]]:
            for start in range(0, len(places), self.batch_size):
                chosen = places[start : start + self.batch_size]
                found = network([self.cut(picture, place) for place in chosen])
                for place, values in zip(chosen, found, strict=True):
                    yield place, values[..., :height, :width]

        return merge(seen(), (height, width))


def seen_at_once(
    picture: torch.Tensor, mask: torch.Tensor, sample: SegDataSample
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what a network gets of a picture: all, or the window that holds the most foreground.

    Args:
        picture: network's input, (3, H, W).
        mask: ground truth of the same size, (1, H, W), 0, 1 or 255 (ignored).
        sample: sample of the picture, which says whether it is seen in windows.
    """
    if 'sliding_window' not in sample:
        return picture, mask
    windows = Windows(**sample.sliding_window)

    def foreground(window: Window) -> int:
        return int((mask[(..., *window)] == 1).sum())

    place = max(windows.over(picture.shape[-2:]), key=foreground)
    cut = mask[(..., *place)]
    missing = [windows.size - side for side in cut.shape[-2:]]
    return windows.cut(picture, place), F.pad(cut, (0, missing[1], 0, missing[0]), value=255)


def check_windows(side: int | None, overlap: float | None) -> None:
    """Refuse windows that cannot be.

    Raises:
        UserError: ``side`` is not positive, or ``overlap`` not from 0 to below 1.
    """
    if side is not None and side < 1:
        raise UserError(f'window={side} is not allowed; give the side of the windows in pixels')
    if overlap is not None and not 0 <= overlap < 1:
        raise UserError(f'overlap={overlap} is not allowed; use a number from 0 to below 1')


def spans(length: int, side: int, overlap: float) -> list[slice]:
    """Return the fewest spans of ``side`` pixels that cover ``length`` at equal steps.

    Neighbours share at least ``overlap`` of their side. Where ``length`` is not longer than
    ``side``, one span covers it.
    """
    if length <= side:
        return [slice(0, length)]
    step = max(1.0, side * (1 - overlap))
    count = int(np.ceil((length - side) / step)) + 1
    starts = np.linspace(0, length - side, count).round().astype(int)
    return [slice(int(start), int(start) + side) for start in starts]


def windows(shape: tuple[int, int], side: int, overlap: float) -> list[Window]:
    """Return the windows over an image of ``shape`` (H, W), row by row."""
    height, width = shape
    columns = spans(width, side, overlap)
    return [(rows, column) for rows in spans(height, side, overlap) for column in columns]


def merge(parts: Iterable[tuple[Window, torch.Tensor]], shape: tuple[int, int]) -> torch.Tensor:
    """Return the weighted mean of what the windows say about each pixel, (C, H, W) float32.

    A window's weight falls linearly from its middle to its edges, where it knows least about the
    surroundings, so no seams are seen. Maps of the image's size are held for the sum and its
    weights, whatever the number of windows. A window over the whole image is returned as it is.

    Args:
        parts: windows with their logits (C, h, w), float32; together they cover the image.
        shape: height and width of the image.
    """
    total = weights = torch.empty(0)
    for window, values in parts:
        if values.shape[-2:] == shape:
            return values
        if not len(weights):
            total = values.new_zeros((*values.shape[:-2], *shape))
            weights = values.new_zeros(shape)
        weight = torch.outer(*(_ramp(side).to(values) for side in values.shape[-2:]))
        total[(..., *window)] += weight * values.clamp(-_CERTAIN, _CERTAIN)
        weights[window] += weight
    return total.div_(weights)


def _ramp(length: int) -> torch.Tensor:
    """Return weights that rise from 0.5 / (length / 2) at the ends to about 1 in the middle."""
    positions = torch.arange(length, dtype=torch.float32) + 0.5
    return torch.minimum(positions, positions.flip(0)) / (length / 2)
