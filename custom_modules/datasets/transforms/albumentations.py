"""Albumentations in a pipeline, called as it is, on image and mask together."""

import inspect
import os
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmengine.registry import TRANSFORMS

from ...base.errors import UserError, did_you_mean
from ..channels import COLOURS, all_channels, swap_red_and_blue

#: How a config names a class of the library: ``albumentations.HorizontalFlip``.
PREFIX = 'albumentations.'

#: Modules of the library whose classes change the size of a picture.
RESIZING = (
    'albumentations.augmentations.crops.transforms',
    'albumentations.augmentations.geometric.resize',
)

#: Modules whose classes move no pixel.
MOVING_NO_PIXEL = ('albumentations.augmentations.pixel', 'albumentations.augmentations.blur')

#: Their arguments that make them resize as ``resize_image`` and ``resize_mask`` do.
RESIZED: dict[str, object] = dict(
    mask_interpolation=cv2.INTER_NEAREST_EXACT, area_for_downscale='image'
)


def albumentations_class(kind: str) -> type:
    """Return the transform that ``albumentations.<Name>`` names.

    Raises:
        UserError: the library is not installed or has no such transform.
    """
    library = _library()
    name = kind.removeprefix(PREFIX)
    found = getattr(library, name, None)
    if not (inspect.isclass(found) and issubclass(found, _transform_classes(library))):
        known = [PREFIX + key for key, value in vars(library).items() if inspect.isclass(value)]
        raise UserError(
            f'type={kind!r} is no transform of albumentations {library.__version__}'
            f'{did_you_mean(kind, known)}'
        )
    return found


@TRANSFORMS.register_module()
class Albumentations(BaseTransform):
    """Transforms of the library albumentations (Buslaev et al., 2020), one after the other.

    They get ``img`` as RGB (or its channels, where it has not three) and ``gt_seg_map`` as the
    mask, so what moves the image moves the mask, by nearest neighbour; what resizes them does it as
    ``resize_image`` and ``resize_mask``. Each call is seeded from NumPy's random state, which the
    data set sets for each sample: the library's own random state would make a run irreproducible.

    Args:
        transforms: dicts with ``type='albumentations.<Name>'`` and the arguments of that class;
            ``OneOf``, ``SomeOf`` and ``Sequential`` hold such dicts in ``transforms``. ``size`` is
            given as everywhere in the configs: an integer or (width, height).

    Raises:
        UserError: the library is not installed, or a transform or an argument is unknown to it; of
            ``transform``, one of them takes colours alone and the image has other channels.
    """

    def __init__(self, transforms: Sequence[dict]) -> None:
        steps = [self._build(config) for config in transforms]
        self.compose = _library().Compose(steps)
        #: Nothing is cut off, added or turned: another size is a resize.
        self.keeps_the_whole = all(
            step.__module__ == RESIZING[1] or step.__module__.startswith(MOVING_NO_PIXEL)
            for step in steps
        )

    @classmethod
    def _build(cls, config: dict) -> Any:
        arguments = dict(config)
        kind = arguments.pop('type')
        if 'transforms' in arguments:
            arguments['transforms'] = [cls._build(inner) for inner in arguments['transforms']]
        found = albumentations_class(kind)
        if found.__module__ in RESIZING:
            known = inspect.signature(found).parameters
            arguments = {k: v for k, v in RESIZED.items() if k in known} | arguments
        if 'size' in arguments:
            size = arguments['size']
            arguments['size'] = (size, size) if isinstance(size, int) else tuple(size)[::-1]
        try:
            return found(**arguments)
        except (TypeError, ValueError) as error:
            if isinstance(error, UserError):
                raise
            raise UserError(f'{kind}: {_in_one_line(error)}') from None

    def transform(self, results: dict) -> dict:
        self.compose.set_random_seed(int(np.random.randint(2**31)))
        before = results['img'].shape[:2]
        image = np.ascontiguousarray(swap_red_and_blue(all_channels(results['img'])))
        pictures = dict(image=image)
        if 'gt_seg_map' in results and results.get('seg_fields') != []:  # see ResizeForScoring
            pictures['mask'] = results['gt_seg_map']
        try:
            pictures = self.compose(**pictures)
        except (TypeError, ValueError, IndexError, cv2.error) as error:
            if image.shape[2] == COLOURS:
                raise
            raise UserError(
                f'Albumentations: a transform takes colours alone, not images of {image.shape[2]} '
                f'channels ({" ".join(str(error).split())[:200]}); leave it out'
            ) from None
        results['img'] = np.ascontiguousarray(swap_red_and_blue(all_channels(pictures['image'])))
        after = results['img_shape'] = results['img'].shape[:2]
        if before != after and self.keeps_the_whole:
            results.setdefault('size_changes', []).append(('resize', before, after))
        if 'mask' in pictures:
            results['gt_seg_map'] = pictures['mask']
        return results


def _library() -> ModuleType:
    # Without this the library asks the network for a newer version when it is imported.
    os.environ.setdefault('NO_ALBUMENTATIONS_UPDATE', '1')
    try:
        import albumentations
    except ImportError as error:
        raise UserError(
            f'the transform Albumentations needs the library albumentations ({error}); '
            'pip install -r requirements.txt'
        ) from None
    return albumentations


def _in_one_line(error: Exception) -> str:
    # The library checks its arguments with pydantic, whose message is a page with a link.
    problems: list[dict] = getattr(error.__cause__ or error, 'errors', list)()
    return '; '.join(f'{p["loc"][0]}={p["input"]!r}: {p["msg"]}' for p in problems) or str(error)


def _transform_classes(library: ModuleType) -> tuple[type, ...]:
    return (library.BasicTransform, library.BaseCompose)
