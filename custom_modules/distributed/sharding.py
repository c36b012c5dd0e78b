"""Nets that do not fit one device: weights, gradients and optimiser state split among processes.

PyTorch's ``fully_shard`` (FSDP2; the idea: Zhao et al., VLDB 2023). MMEngine's strategy wraps the
first FSDP and needs a runner of its own.
"""

from typing import Any, cast

import torch
from mmengine.device import get_device
from mmengine.dist import broadcast
from mmengine.model import BaseModule
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


def shard_model(model: nn.Module, processes: int) -> None:
    """Initialise a model and split the weights of encoder and head.

    Each part is gathered only while it computes. MMEngine would initialise it later, when no
    process has a whole weight any more.
    """
    cast(BaseModule, model).init_weights()
    for values in model.state_dict().values():
        broadcast(values)
    mesh = init_device_mesh(get_device(), (processes,))
    for name in ('backbone', 'neck', 'decode_head', 'auxiliary_head'):
        part = getattr(model, name, None)
        for module in part if isinstance(part, nn.ModuleList) else [part]:
            if module is not None:
                fully_shard(module, mesh=mesh)
    fully_shard(model, mesh=mesh)


def is_sharded(model: nn.Module) -> bool:
    return isinstance(model, FSDPModule)


def whole_state(
    model: nn.Module, optimizer: torch.optim.Optimizer
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state of a sharded model and its optimiser in one piece, on rank 0's CPU.

    All processes have to call it; those other than rank 0 get empty dicts.
    """
    return (
        get_model_state_dict(model, options=_WHOLE),
        get_optimizer_state_dict(model, optimizer, options=_WHOLE),
    )


def load_whole_weights(model: nn.Module, weights: dict[str, Any]) -> None:
    """Give each process its part of weights that all of them hold."""
    set_model_state_dict(model, weights, options=StateDictOptions(full_state_dict=True))


def load_whole_optimizer(
    model: nn.Module, optimizer: torch.optim.Optimizer, state: dict[str, Any]
) -> None:
    """Give each process its part of an optimiser's state of ``whole_state``."""
    options = StateDictOptions(full_state_dict=True)
    set_optimizer_state_dict(model, optimizer, state, options=options)
