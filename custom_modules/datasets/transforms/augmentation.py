"""Random transforms of image and mask together that MMCV does not have."""

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmcv.transforms.utils import cache_randomness
from mmengine.registry import TRANSFORMS

from ..channels import all_channels


@TRANSFORMS.register_module()
class RandomAffine(BaseTransform):
    """Rotate, scale and shift image and mask by one random affine map (R1 to R4).

    What comes in from outside is the mirrored picture, in image and mask alike. The image is
    interpolated bilinearly, the mask by nearest neighbour.

    Args:
        prob: probability that the map is applied, 0 to 1.
        degrees: largest angle in degrees; the angle is uniform in [-degrees, degrees].
        scale: smallest and largest factor of the size; the factor is uniform in this range.
        translate: largest shift, as a share of width and height; the shift is uniform in
            [-translate, translate].
    """

    def __init__(
        self,
        prob: float = 0.5,
        degrees: float = 0.0,
        scale: tuple[float, float] = (1.0, 1.0),
        translate: float = 0.0,
    ) -> None:
        self.prob = prob
        self.degrees = degrees
        self.scale = scale
        self.translate = translate

    @cache_randomness
    def _draw(self) -> tuple[bool, float, float, float, float]:
        return (
            np.random.rand() < self.prob,
            np.random.uniform(-self.degrees, self.degrees),
            np.random.uniform(*self.scale),
            np.random.uniform(-self.translate, self.translate),
            np.random.uniform(-self.translate, self.translate),
        )

    def transform(self, results: dict) -> dict:
        applied, angle, factor, shift_x, shift_y = self._draw()
        if not applied:
            return results
        height, width = results['img'].shape[:2]
        centre = ((width - 1) / 2, (height - 1) / 2)
        matrix = cv2.getRotationMatrix2D(centre, angle, factor)
        matrix[:, 2] += (shift_x * width, shift_y * height)
        for key, interpolation in (('img', cv2.INTER_LINEAR), ('gt_seg_map', cv2.INTER_NEAREST)):
            if key in results:
                moved = cv2.warpAffine(
                    results[key],
                    matrix,
                    (width, height),
                    flags=interpolation,
                    borderMode=cv2.BORDER_REFLECT_101,
                )
                results[key] = moved if key == 'gt_seg_map' else all_channels(moved)
        return results


@TRANSFORMS.register_module()
class RandomBrightnessContrast(BaseTransform):
    """Scale the image about its mean and shift it: ``(x - mean) * contrast + mean * brightness``.

    Args:
        prob: probability that the change is applied, 0 to 1.
        brightness: largest change of the mean's factor, which is uniform in [1 - brightness, 1 +
            brightness].
        contrast: largest change of the deviation's factor, which is uniform in [1 - contrast, 1 +
            contrast].
    """

    def __init__(self, prob: float = 0.5, brightness: float = 0.2, contrast: float = 0.2) -> None:
        self.prob = prob
        self.brightness = brightness
        self.contrast = contrast

    @cache_randomness
    def _draw(self) -> tuple[bool, float, float]:
        return (
            np.random.rand() < self.prob,
            1 + np.random.uniform(-self.brightness, self.brightness),
            1 + np.random.uniform(-self.contrast, self.contrast),
        )

    def transform(self, results: dict) -> dict:
        applied, brightness, contrast = self._draw()
        if applied:
            mean = results['img'].mean()
            table = (np.arange(256) - mean) * contrast + mean * brightness
            changed = cv2.LUT(results['img'], np.clip(table, 0, 255).round().astype(np.uint8))
            results['img'] = all_channels(changed)
        return results
