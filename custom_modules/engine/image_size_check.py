"""Whether a network takes the images that a config's pipelines make, before anything is read."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from mmengine.registry import MODELS

from ..config.held_datasets import pipeline_of
from ..config.patch_check import check_patches, name_of
from ..models.network import check_sides

#: Steps after which a size is no longer that of the resize.
_CHANGES = ('Pad', 'RandomCrop', 'CenterCrop', 'Albumentations', 'RandomResize')

#: Steps of our own that decide about the size, whatever comes before them.
_PATCHES = ('RandomCrop', 'SlidingWindow')


def check_image_size(config: Mapping[str, Any]) -> None:
    """Refuse a size that the network does not take; else a run would fail at its first batch.

    A model of one's own that does not say what its sides must be multiples of is not asked.

    Args:
        config: resolved config, whose pipelines are compared with its model and with each other.

    Raises:
        UserError: the network does not take the size, and the message names the one to use; or the
            images of the training have another scale than those of the test, see
            ``check_patches``.
    """
    loaders = {stage: config.get(f'{stage}_dataloader') for stage in ('train', 'val', 'test')}
    pipelines = {
        stage: pipeline_of(loader['dataset']) for stage, loader in loaders.items() if loader
    }
    check_patches(config, pipelines)
    try:
        with torch.device('meta'):  # without memory for weights
            model: Any = MODELS.build(config['model'])
        divisor = int(model.size_divisor)
    except Exception:  # the training builds it too, and says what is wrong
        return
    for steps in pipelines.values():
        patch = next((step['size'] for step in steps if step.get('type') in _PATCHES), None)
        size = (patch, patch) if patch else _fixed_size(steps)
        if size is not None:
            check_sides(size[0], size[1], divisor, patch is not None)


def _fixed_size(steps: Sequence[dict]) -> tuple[int, int] | None:
    """Return the width and height that a pipeline brings every image to; None if it brings none."""
    names = [*map(name_of, steps)]
    resizes = [step for step in steps if 'scale' in step and 'prob' not in step]
    if len(resizes) != 1 or resizes[0].get('keep_ratio') or {*names} & {*_CHANGES}:
        return None
    scale = resizes[0]['scale']
    return (scale, scale) if isinstance(scale, int) else (int(scale[0]), int(scale[1]))
