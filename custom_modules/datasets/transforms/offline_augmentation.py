"""Offline augmentation (R2): changed copies of each image are part of the training set."""

from mmcv.transforms import BaseTransform, RandomFlip
from mmengine.registry import TRANSFORMS

from ...base.errors import UserError
from .augmentation import RandomAffine

FLIPS = ('horizontal', 'vertical')


@TRANSFORMS.register_module(name=['OfflineAugmentation', 'EnlargedCopies'])  # the former name
class OfflineAugmentation(BaseTransform):
    """Change the added copies of a data set built with ``n_aug``; the originals stay as they are.

    Args:
        kind: change of the copies: 'combine' gives every copy a little rotation, displacement and
            random flips, drawn anew in each epoch; 'flip' mirrors the first copy of every image
            horizontally and the second vertically.
        n_aug: number of copies per image, the same number that the data set gets.
        degrees: largest angle in degrees with 'combine'; the angle is uniform in [-degrees,
            degrees].
        translate: largest shift with 'combine', as a share of width and height; the shift is
            uniform in [-translate, translate].

    Raises:
        UserError: ``kind`` is unknown, or 'flip' is asked for more than two copies.
    """

    def __init__(
        self, kind: str = 'combine', n_aug: int = 1, degrees: float = 10, translate: float = 0.05
    ) -> None:
        if kind not in ('combine', 'flip'):
            raise UserError(
                f"OfflineAugmentation: kind={kind!r} is not allowed; use 'combine' or 'flip'"
            )
        if kind == 'flip' and n_aug > len(FLIPS):
            raise UserError(
                f"OfflineAugmentation: kind='flip' makes at most {len(FLIPS)} copies (mirrored "
                f"horizontally, vertically), found n_aug={n_aug}; use fewer or kind='combine'"
            )
        self.kind = kind
        self.affine = RandomAffine(prob=1.0, degrees=degrees, translate=translate)
        self.flips = [RandomFlip(prob=1.0, direction=direction) for direction in FLIPS]
        self.random_flips = [RandomFlip(prob=0.5, direction=direction) for direction in FLIPS]

    def transform(self, results: dict) -> dict | None:
        copy = results['copy']
        if copy == 0:
            return results
        if self.kind == 'flip':
            return self.flips[copy - 1](results)
        for step in (self.affine, *self.random_flips):
            results = step(results)
        return results
