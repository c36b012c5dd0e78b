"""Changing the size of images and masks: what is in the middle stays in the middle."""

import cv2
import mmcv.transforms
import numpy as np
from mmcv.image import rescale_size
from mmengine.registry import TRANSFORMS

from ..channels import COLOURS, all_channels, in_fours

#: (width, height) in pixels.
Size = tuple[int, int]


def resize_image(image: np.ndarray, size: Size) -> np.ndarray:
    """Return an image at another size, averaged over areas where it gets smaller.

    Without the averaging (OpenCV's bilinear interpolation looks at four pixels, however many
    there are) fine texture becomes noise. Pillow, which the reports and segmentation_models.pytorch
    use, averages too. Where a side gets larger, it is interpolated bilinearly.

    Args:
        image: (H, W) or (H, W, C) image; one channel keeps its axis.
        size: (width, height) of the result, in pixels.
    """
    if image.ndim == 3 and image.shape[2] != COLOURS:
        return in_fours(lambda part: _resized(part, size), image)
    return _resized(image, size)


def _resized(image: np.ndarray, size: Size) -> np.ndarray:
    height, width = image.shape[:2]
    # In two steps, because OpenCV averages only where both sides get smaller.
    smaller = (min(width, size[0]), min(height, size[1]))
    if smaller != (width, height):
        image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
    if smaller != size:
        image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
    return image


def resize_mask(mask: np.ndarray, size: Size) -> np.ndarray:
    """Return a mask at another size, each pixel the one at its centre in the old one.

    OpenCV's INTER_NEAREST takes the pixel at the upper left instead, which shifts the mask against
    its image by up to half a pixel of the larger of the two.

    Args:
        mask: (H, W) mask; its values are labels, which are not mixed.
        size: (width, height) of the result, in pixels.
    """
    if mask.shape[1::-1] == size:
        return mask
    return cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST_EXACT)


# In place of MMCV's, under its name: so that RandomResize and other steps which build a Resize
# leave masks where they are, too.
@TRANSFORMS.register_module(force=True)
class Resize(mmcv.transforms.Resize):
    """MMCV's Resize with ``resize_image`` and ``resize_mask``, noted in ``size_changes``.

    Args:
        scale: side of the square, or (width, height), in pixels.
        scale_factor: factor of width and height that takes the place of ``scale``.
        keep_ratio: whether the image becomes as large as fits into ``scale``, without stretching
            it.
        clip_object_border: whether boxes are clipped to the image, as MMCV's Resize does it.
        backend: library that resizes: 'cv2', or 'pillow', whose bilinear interpolation averages by
            itself.
        interpolation: interpolation of images; 'auto' is ``resize_image``, everything else MMCV's.
            Masks are always resized by ``resize_mask``.
    """

    def __init__(
        self,
        scale: int | Size | None = None,
        scale_factor: float | tuple[float, float] | None = None,
        keep_ratio: bool = False,
        clip_object_border: bool = True,
        backend: str = 'cv2',
        interpolation: str = 'auto',
    ) -> None:
        if backend != 'cv2' and interpolation == 'auto':
            interpolation = 'bilinear'
        super().__init__(
            scale, scale_factor, keep_ratio, clip_object_border, backend, interpolation
        )

    def transform(self, results: dict) -> dict:
        before = results['img'].shape[:2]
        results = super().transform(results)
        results.setdefault('size_changes', []).append(('resize', before, results['img'].shape[:2]))
        return results

    def _resize_img(self, results: dict) -> None:
        if self.interpolation != 'auto':
            super()._resize_img(results)
            results['img'] = all_channels(results['img'])
        elif results.get('img') is not None:
            height, width = results['img'].shape[:2]
            new = self._size(results['img'], results['scale'])
            results['img'] = resize_image(results['img'], new)
            results['img_shape'] = results['img'].shape[:2]
            results['scale_factor'] = (new[0] / width, new[1] / height)
            results['keep_ratio'] = self.keep_ratio

    def _resize_seg(self, results: dict) -> None:
        if results.get('gt_seg_map') is not None:
            mask = results['gt_seg_map']
            results['gt_seg_map'] = resize_mask(mask, self._size(mask, results['scale']))

    def _size(self, picture: np.ndarray, scale: Size) -> Size:
        height, width = picture.shape[:2]
        return rescale_size((width, height), scale) if self.keep_ratio else scale


@TRANSFORMS.register_module()
class ResizeForScoring(Resize):
    """Resize, which leaves the mask at the file's size if that is where Dice is computed.

    Args:
        scale: side of the square, or (width, height), in pixels.
        resolution: size at which masks are scored: 'input' resizes the mask too, 'original' does
            not.
        kwargs: further arguments of Resize.
    """

    def __init__(self, scale: int | Size, resolution: str = 'input', **kwargs: object) -> None:
        super().__init__(scale=scale, **kwargs)  # type: ignore[arg-type]
        self.resolution = resolution

    def _resize_seg(self, results: dict) -> None:
        if self.resolution == 'input':
            super()._resize_seg(results)
        elif results.get('gt_seg_map') is not None:  # a Pad before may have added to it
            height, width = results['ori_shape']
            results['gt_seg_map'] = results['gt_seg_map'][:height, :width]
            results['seg_fields'] = []  # no later step is to move it
