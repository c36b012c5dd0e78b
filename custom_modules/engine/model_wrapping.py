"""What becomes of a model before it is trained: its memory layout, and many processes."""

from collections.abc import Mapping
from typing import Any

import torch
from mmengine.device import get_device
from torch import nn

from ..distributed.sync_batch_norm import synchronise_batch_norm
from ..models.precision import resolve_dtype


def computes_below_fp32(config: Mapping[str, Any]) -> bool:
    """Say whether training or test of a config compute in half precision on this machine."""
    stages = (config.get('optim_wrapper'), config.get('test_cfg'))
    precisions = [stage['precision'] for stage in stages if stage and 'precision' in stage]
    return any(resolve_dtype(p, get_device()) != torch.float32 for p in precisions)


def prepare_for_processes(config: Any, model: nn.Module, wrapper: dict | None) -> dict | None:
    """Normalise over all processes where the config asks for it; return the wrapper to use.

    On CPUs MMEngine would take torch's SyncBatchNorm, which refuses them.

    Args:
        config: config of the run; on CPUs its ``sync_bn`` is taken out, since it is done here.
        model: model that is changed in place.
        wrapper: ``model_wrapper_cfg`` of the config; None where it has none.
    """
    if get_device() == 'cuda':
        if config.get('shard') and config.get('sync_bn'):
            nn.SyncBatchNorm.convert_sync_batchnorm(model)
        return wrapper
    synchronise_batch_norm(model, every=bool(config.pop('sync_bn', None)))
    if wrapper is None:
        wrapper = dict(type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False)
        wrapper['find_unused_parameters'] = bool(config.get('find_unused_parameters'))
    return wrapper
