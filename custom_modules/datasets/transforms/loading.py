"""Pipeline steps of our own; everything else in the pipelines is MMCV's."""

import numpy as np
import torch
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from ...base.errors import UserError
from ..channels import all_channels
from ..image_io import read_mask, read_orientation, read_oriented_image
from ..image_reading import ImageReading


@TRANSFORMS.register_module()
class LoadImage(BaseTransform):
    """``img_path`` -> ``img``, (H, W, C) uint8, with ``img_shape`` and ``ori_shape`` (H, W).

    What the C channels are, the data set says with ``image_reading``: blue, green and red unless it
    says otherwise.

    ``size_changes`` begins as an empty list, to which Resize and Pad add what they do.
    ``orientation`` tells LoadMask how the image lies in its file. Where the data set says
    ``as_published``, what can be decoded of a damaged file is taken.
    """

    def transform(self, results: dict) -> dict:
        reading = ImageReading.of(results.get('image_reading'))
        image, results['orientation'] = read_oriented_image(
            results['img_path'], results.get('as_published', False), reading
        )
        results['img'] = image
        results['img_shape'] = results['ori_shape'] = image.shape[:2]
        results['size_changes'] = []
        return results


@TRANSFORMS.register_module()
class LoadMask(BaseTransform):
    """``seg_map_path`` -> ``gt_seg_map``, (H, W) uint8: 0 background, 1 foreground, 255 ignored.

    ``seg_fields`` names it, for steps of mmsegmentation, which move what stands there alone.

    The data set says what the file's values mean: ``mask_encodings`` is a list of dicts from a
    value of the file to a label. The first dict that covers all values of the file is used.

    Raises:
        UserError: the file has a value that no encoding covers, is not of the image's size, or it
            cannot be told whether it lies as its image does.
    """

    def transform(self, results: dict) -> dict:
        path = results.get('seg_map_path')
        if not path:
            raise UserError(
                f'{results.get("img_path", "an image")}: its entry names no mask (seg_map_path); '
                'take it out of the data set, or use tools/predict.py, which needs none'
            )
        image = results.get('orientation')
        if image is None and 'img_path' in results:  # another transform has loaded the image
            image = read_orientation(results['img_path'], results.get('as_published', False))
        values = read_mask(path, image)
        if values.shape != results['ori_shape']:
            (height, width), (mask_height, mask_width) = results['ori_shape'], values.shape
            raise UserError(
                f'{path}: the mask is {mask_width}x{mask_height}, its image {width}x{height}; '
                'export both at one size'
            )
        results['gt_seg_map'] = self._encode(values, results['mask_encodings'], path)
        results['seg_fields'] = ['gt_seg_map']
        return results

    @staticmethod
    def _encode(values: np.ndarray, encodings: list[dict[int, int]], path: str) -> np.ndarray:
        found = np.flatnonzero(np.bincount(values.ravel(), minlength=256))
        for encoding in encodings:
            if all(int(value) in encoding for value in found):
                table = np.zeros(256, np.uint8)
                table[list(encoding)] = list(encoding.values())
                return table[values]
        allowed = ' or '.join(str(sorted(encoding)) for encoding in encodings)
        shown = ', '.join(map(str, found[:8])) + (', ...' if len(found) > 8 else '')
        raise UserError(
            f'{path}: the mask has the values {shown}; allowed are {allowed}; '
            'tools/prepare_data.py --from finds out, or asks, what other values mean'
        )


@TRANSFORMS.register_module()
class PackBinarySegInputs(BaseTransform):
    """The end of every pipeline: tensors and meta information as the segmentor takes them.

    Returns a dict of ``inputs``, (C, H, W) uint8, BGR where C is 3, and ``data_samples``, a
    SegDataSample with ``gt_sem_seg.data`` (1, H, W) uint8 where a mask was loaded, and
    ``gt_regions.data`` of that kind where CountBorder was applied.
    """

    meta_keys = (
        *('sample_id', 'img_path', 'ori_shape', 'img_shape'),
        'size_changes',  # of custom_modules/datasets/size_changes.py
        'sliding_window',
    )

    def transform(self, results: dict) -> dict:
        image = np.ascontiguousarray(all_channels(results['img']).transpose(2, 0, 1))
        sample = SegDataSample(metainfo={k: results[k] for k in self.meta_keys if k in results})
        for key, name in (('gt_seg_map', 'gt_sem_seg'), ('gt_regions', 'gt_regions')):
            if key in results:
                mask = np.ascontiguousarray(results[key])
                sample.set_data({name: PixelData(data=torch.from_numpy(mask)[None])})
        return dict(inputs=torch.from_numpy(image), data_samples=sample)
