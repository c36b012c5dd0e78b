"""Padding that the way back knows of, and that no mask is stretched over."""

import mmcv.transforms
import numpy as np
from mmengine.registry import TRANSFORMS

from ..channels import in_fours


# In place of MMCV's, under its name, as Resize is.
@TRANSFORMS.register_module(force=True)
class Pad(mmcv.transforms.Pad):
    """MMCV's Pad, at the right and below, which notes what it did in ``size_changes``.

    A mask is padded with its image, with 255 (ignored) unless told otherwise; a mask that was left
    at the size of its file, to be scored there, is left alone.

    Args:
        kwargs: arguments of MMCV's Pad: ``size`` (width, height), ``size_divisor`` or
            ``pad_to_square``, and ``pad_val``.
    """

    def transform(self, results: dict) -> dict:
        before = results['img'].shape[:2]
        results['img'] = in_fours(lambda part: self._padded(part, results), results['img'])
        after = results['img'].shape[:2]
        mask = results.get('gt_seg_map')
        stays = results.get('seg_fields') == []  # to be scored at the size of its file
        if mask is not None and mask.shape[:2] == before and not stays:
            self._pad_seg(results)
        results.setdefault('size_changes', []).append(('pad', before, after))
        return results

    def _padded(self, image: np.ndarray, results: dict) -> np.ndarray:
        of_image = dict(img=image)
        self._pad_img(of_image)
        results.update(of_image)
        return of_image['img']
