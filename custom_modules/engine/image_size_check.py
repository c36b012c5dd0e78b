"""Whether a network takes the images that a config's pipelines make, before anything is read."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.registry import MODELS

from ..config.held_datasets import pipeline_of
from ..models.binary_segmentor import check_sides

#: Steps after which a size is no longer that of the resize.
_CHANGES = ('Pad', 'RandomCrop', 'CenterCrop', 'Albumentations', 'RandomResize')


def check_image_size(config: Mapping[str, Any]) -> None:
    """Refuse a size that the network does not take; else a run would fail at its first batch.

    A model of one's own that does not say what its sides must be multiples of is not asked.

    Args:
        config: resolved config, whose pipelines are compared with its model.

    Raises:
        UserError: the network does not take the size; the message names the size to use.
    """
    try:
        with torch.device('meta'):  # without memory for weights
            model: Any = MODELS.build(config['model'])
        divisor = int(model.decode_head.size_divisor)
    except Exception:  # the training builds it too, and says what is wrong
        return
    for stage in ('train', 'val', 'test'):
        loader = config.get(f'{stage}_dataloader')
        size = _fixed_size(pipeline_of(loader['dataset'])) if loader else None
        if size is not None:
            check_sides(*size, divisor)


def _fixed_size(steps: list[dict]) -> tuple[int, int] | None:
    """Return the width and height that a pipeline brings every image to; None if it brings none."""
    names = [str(step.get('type', '')).rpartition('.')[2] for step in steps]
    resizes = [step for step in steps if 'scale' in step and 'prob' not in step]
    if len(resizes) != 1 or resizes[0].get('keep_ratio') or {*names} & {*_CHANGES}:
        return None
    scale = resizes[0]['scale']
    return (scale, scale) if isinstance(scale, int) else (int(scale[0]), int(scale[1]))
