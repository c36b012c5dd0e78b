"""Mixed precision on CPU and GPU (MMEngine's AmpOptimWrapper refuses a CPU)."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from mmengine.device import get_device
from mmengine.optim import OptimWrapper
from mmengine.registry import OPTIM_WRAPPERS
from torch import nn

from ..models.precision import autocast, resolve_dtype


@OPTIM_WRAPPERS.register_module()
class AutocastOptimWrapper(OptimWrapper):
    """The forward pass in ``precision``; losses, gradients and weights stay in fp32.

    Args:
        precision: number format of the forward pass: 'auto', 'fp32', 'bf16' or 'fp16'. fp16 scales
            the loss, the others need not.
        kwargs: further arguments of MMEngine's OptimWrapper, such as ``optimizer``.

    Raises:
        UserError: the device cannot compute in that precision.
    """

    def __init__(self, precision: str = 'auto', **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.dtype = resolve_dtype(precision, get_device())
        self.scaler = torch.amp.GradScaler(get_device(), enabled=self.dtype == torch.float16)

    def initialize_count_status(self, model: nn.Module, init_counts: int, max_counts: int) -> None:
        # MMEngine would warn that gradients are lost where a run goes on between two steps of the
        # optimizer: a checkpoint has them (``training_state``).
        super().initialize_count_status(model, 0, max_counts)
        self._inner_count = init_counts

    def backward(self, loss: torch.Tensor, **kwargs: object) -> None:
        self.scaler.scale(loss).backward(**kwargs)
        self._inner_count += 1

    def step(self, **kwargs: object) -> None:
        if self.clip_grad_kwargs:
            self.scaler.unscale_(self.optimizer)
            self._clip_grad()
        self.scaler.step(self.optimizer, **kwargs)
        self.scaler.update()

    def state_dict(self) -> dict:
        return super().state_dict() | dict(scaler=self.scaler.state_dict())

    def load_state_dict(self, state_dict: dict) -> None:
        state_dict = dict(state_dict)
        self.scaler.load_state_dict(state_dict.pop('scaler', {}) or {})
        super().load_state_dict(state_dict)

    @contextmanager
    def optim_context(self, model: nn.Module) -> Iterator[None]:
        with super().optim_context(model), autocast(self.dtype, get_device()):
            yield
