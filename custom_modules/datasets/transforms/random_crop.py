"""Patches of pictures that are too large for the network, or whose objects are small."""

import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

#: Value of a mask where no picture is: no loss and no metric counts it.
_IGNORED = 255


@TRANSFORMS.register_module()
class RandomCrop(BaseTransform):
    """Cut a square patch out of image and mask; a share of the patches is sure to hold foreground.

    Such a patch lies around a random pixel of the foreground, anywhere in the patch with equal
    probability as far as the picture reaches. The others lie anywhere in the picture, as do all
    patches of a picture without foreground. nnU-Net (Isensee et al., 2021) oversamples the
    foreground in this way, in a third of its patches.

    A picture that is smaller than the patch is continued by its last pixels at the right and below,
    where its mask gets 255 (ignored). SlidingWindow does the same in a test.

    Args:
        size: side of the patch, in pixels of the image as the steps before leave it.
        foreground_share: probability that a patch has to hold foreground, 0 to 1.
    """

    def __init__(self, size: int, foreground_share: float = 0.33) -> None:
        self.size = size
        self.foreground_share = foreground_share

    def transform(self, results: dict) -> dict:
        image, mask = results['img'], results.get('gt_seg_map')
        pixel = None
        if np.random.rand() < self.foreground_share and mask is not None:
            pixel = _random_foreground(mask)
        rows, columns = (
            self._span(length, None if pixel is None else pixel[axis])
            for axis, length in enumerate(image.shape[:2])
        )
        patch = image[rows, columns]
        missing = [(0, self.size - side) for side in patch.shape[:2]]
        results['img'] = np.pad(patch, [*missing, (0, 0)], 'edge')
        results['img_shape'] = results['img'].shape[:2]
        if mask is not None:
            cut = mask[rows, columns]
            results['gt_seg_map'] = np.pad(cut, missing, constant_values=_IGNORED)
        if patch.shape[:2] != results['img_shape']:
            change = ('pad', patch.shape[:2], results['img_shape'])
            results.setdefault('size_changes', []).append(change)
        return results

    def _span(self, length: int, pixel: int | None) -> slice:
        """Return the rows, or columns, of a patch; with ``pixel`` of one that has it."""
        first, last = 0, max(0, length - self.size)
        if pixel is not None:
            first, last = max(0, pixel - self.size + 1), min(pixel, last)
        start = np.random.randint(first, last + 1)
        return slice(start, start + self.size)


def _random_foreground(mask: np.ndarray) -> tuple[int, int] | None:
    """Return row and column of a pixel that is 1, all with equal probability; None without one."""
    ends = np.cumsum(np.count_nonzero(mask == 1, axis=1))
    if not ends[-1]:
        return None
    number = np.random.randint(ends[-1])
    row = int(np.searchsorted(ends, number, side='right'))
    columns = np.flatnonzero(mask[row] == 1)
    return row, int(columns[number - ends[row]])  # from the end of the row
