"""MixUp and CutMix for images with binary masks, on whole batches on their device (R4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from mmengine.registry import MODELS
from torch import nn

from ..base.errors import UserError
from .losses.target import IGNORE_INDEX

Batch = tuple[torch.Tensor, torch.Tensor]


class BatchAugment(Protocol):
    """Something that mixes a batch and says how often."""

    prob: float

    def __call__(self, images: torch.Tensor, masks: torch.Tensor) -> Batch: ...


@dataclass(frozen=True)
class Mixture:
    """What became of a batch of N images.

    Attributes:
        share: share of an image in what took its place, 0 to 1; the rest is its partner's.
        partner: (N,) index of each image's partner in the batch; may be its own.
    """

    share: float
    partner: torch.Tensor


class _Mixing(nn.Module):
    """``lam`` of each batch is drawn from Beta(alpha, alpha), the partners by a permutation.

    After a batch ``mixture`` says what became of it.

    Args:
        alpha: both parameters of the Beta distribution; greater than 0.
        prob: share of the batches that are mixed, 0 to 1.

    Raises:
        UserError: ``alpha`` or ``prob`` is out of its range.
    """

    def __init__(self, alpha: float, prob: float) -> None:
        super().__init__()
        name = type(self).__name__
        if alpha <= 0:
            raise UserError(f'{name}: alpha={alpha} is not allowed; use a number above 0')
        if not 0 <= prob <= 1:
            raise UserError(f'{name}: prob={prob} is not allowed; use a number from 0 to 1')
        self.beta = torch.distributions.Beta(alpha, alpha)
        self.prob = prob
        self.mixture: Mixture | None = None

    def draw(self, batch_size: int) -> tuple[float, torch.Tensor]:
        """Return ``lam`` and the partner of each image, from torch's random state of the CPU."""
        return float(self.beta.sample()), torch.randperm(batch_size)


@MODELS.register_module()
class MixUp(_Mixing):
    """``lam`` x image + (1 - ``lam``) x partner (Zhang et al., ICLR 2018).

    The masks are mixed the same way and then binarised: foreground where the mixture is above 0.5,
    so where both masks have it, and elsewhere as the image with the greater weight says. Pixels
    that one of the two ignores are ignored.
    """

    def __init__(self, alpha: float = 0.4, prob: float = 0.25) -> None:
        super().__init__(alpha, prob)

    def forward(self, images: torch.Tensor, masks: torch.Tensor) -> Batch:
        """Mix images (N, C, H, W), float, and masks (N, H, W) of 0, 1, 255."""
        lam, partner = self.draw(len(images))
        self.mixture = Mixture(lam, partner)
        images = lam * images + (1 - lam) * images[partner]
        other = masks[partner]
        mixed = (lam * (masks == 1) + (1 - lam) * (other == 1) > 0.5).to(masks.dtype)
        ignored = (masks == IGNORE_INDEX) | (other == IGNORE_INDEX)
        return images, mixed.masked_fill(ignored, IGNORE_INDEX)


@MODELS.register_module()
class CutMix(_Mixing):
    """A rectangle of the partner, with its mask, replaces the image's (Yun et al., ICCV 2019).

    It covers 1 - ``lam`` of the image, has the image's proportions and a centre that is uniform
    over the image; what lies outside is cut off.
    """

    def __init__(self, alpha: float = 1.0, prob: float = 0.25) -> None:
        super().__init__(alpha, prob)

    @staticmethod
    def draw_rectangle(lam: float, height: int, width: int) -> tuple[slice, slice]:
        """Return the rows and columns of the rectangle."""
        side = (1 - lam) ** 0.5
        spans = []
        for length in (height, width):
            centre = int(torch.randint(length, ()))
            half = round(side * length) // 2
            spans.append(slice(max(centre - half, 0), min(centre + half, length)))
        return spans[0], spans[1]

    def forward(self, images: torch.Tensor, masks: torch.Tensor) -> Batch:
        """Mix images (N, C, H, W), float, and masks (N, H, W) of 0, 1, 255."""
        lam, partner = self.draw(len(images))
        rows, columns = self.draw_rectangle(lam, *images.shape[-2:])
        replaced = images[0, 0, rows, columns].numel() / images[0, 0].numel()
        self.mixture = Mixture(1 - replaced, partner)
        images, masks = images.clone(), masks.clone()
        images[..., rows, columns] = images[partner][..., rows, columns]
        masks[..., rows, columns] = masks[partner][..., rows, columns]
        return images, masks


class OneOfBatchAugments:
    """At most one of several batch augmentations, each with its own probability.

    Raises:
        UserError: the probabilities of the augmentations add up to more than 1.
    """

    def __init__(self, augments: Sequence[dict]) -> None:
        self.augments: list[BatchAugment] = [MODELS.build(augment) for augment in augments]
        total = sum(augment.prob for augment in self.augments)
        if total > 1 + 1e-9:
            raise UserError(
                f'batch_augments: the probabilities add up to {total:g}; at most one of them is '
                'applied to a batch, so they must not exceed 1'
            )

    def choose(self) -> BatchAugment | None:
        """Draw which one is applied to this batch."""
        number = float(torch.rand(()))
        for augment in self.augments:
            number -= augment.prob
            if number < 0:
                return augment
        return None

    def __call__(self, images: torch.Tensor, masks: torch.Tensor) -> Batch:
        augment = self.choose()
        return (images, masks) if augment is None else augment(images, masks)
