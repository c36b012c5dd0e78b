"""The one judge of weights: whether what a checkpoint holds can be the weights of a model."""

from collections.abc import Mapping

import torch
from torch import nn

#: Types that a weight may be stored in; they are widened or rounded to the model's own.
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_INTEGERS = (torch.int32, torch.int64)


def unsound_weight(weights: Mapping[str, torch.Tensor], model: nn.Module) -> str | None:
    """Return what is wrong with the first weight that no training can have left; None if none is.

    Parameters and the running statistics of normalisations have to be finite. Other buffers may
    hold infinity on purpose, as the masks of attention layers do.

    Args:
        weights: tensor for each name of ``model.state_dict()``, of the same shape.
        model: model that the weights are for.
    """
    learned = {name for name, _ in model.named_parameters()}
    for name, wanted in model.state_dict().items():
        found = weights[name]
        if found.layout != torch.strided or found.is_meta:
            return f'{name} is no ordinary tensor of numbers'
        allowed = _FLOATS if wanted.is_floating_point() else _INTEGERS
        if found.dtype not in (*allowed, wanted.dtype):
            stored, own = (str(t.dtype).removeprefix('torch.') for t in (found, wanted))
            return f'{name} is stored as {stored}, where the model has {own}'
        statistics = name.endswith(('running_mean', 'running_var'))
        if (name in learned or statistics) and not _finite(found.to(wanted.dtype)):
            return f'{name} holds NaN or infinity'
        if name.endswith(('running_var', 'num_batches_tracked')) and (found < 0).any():
            return f'{name} holds a negative number'
    return None


def _finite(values: torch.Tensor) -> bool:
    # A sum is a single pass without a mask in memory; only where it is not finite the values,
    # whose sum may have overflowed, are looked at one by one.
    return bool(values.sum().isfinite()) or bool(values.isfinite().all())
