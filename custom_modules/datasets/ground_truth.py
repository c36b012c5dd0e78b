"""The ground truth of a sample, or a message about the image that has none."""

from collections.abc import Mapping
from typing import Any

import torch

from ..base.errors import UserError


def ground_truth(sample: Any) -> torch.Tensor:
    """Return (H, W) uint8: 0, 1 or 255 (ignored).

    Args:
        sample: SegDataSample, or the dict of one, as metrics get it.

    Raises:
        UserError: the sample has no ground truth.
    """
    mask = sample.get('gt_sem_seg')
    if mask is None:
        name = sample.get('img_path') or sample.get('sample_id') or 'an image'
        raise UserError(
            f'{name}: has no ground truth, so it cannot be scored or learned from; take it '
            'out of the data set, or use tools/predict.py, which needs none'
        )
    found: torch.Tensor = (mask['data'] if isinstance(mask, Mapping) else mask.data)[0]
    return found
