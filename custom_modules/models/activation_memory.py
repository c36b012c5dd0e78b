"""How much memory the features of an image take, in a training step and in a prediction."""

import copy
import weakref
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def kept_bytes(network: nn.Module, channels: int, height: int, width: int) -> int:
    """Return the bytes that PyTorch's autograd keeps of one image, in float32.

    Nothing is computed: a copy of the network runs on PyTorch's ``meta`` device. Weights do not
    count, and a tensor that several operations keep counts once.

    Args:
        network: encoder and head, or any network that takes images; in training mode or not, it is
            counted in training mode.
        channels: channels of an image.
        height: height of an image, in pixels.
        width: width of an image, in pixels.
    """
    copied = copy.deepcopy(network).to('meta').train()
    weights = {id(one) for one in (*copied.parameters(), *copied.buffers())}
    kept: dict[int, int] = {}
    held = []

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) not in weights:
            storage = tensor.untyped_storage()
            kept[storage._cdata] = storage.nbytes()
            held.append(storage)  # or another one could get its address
        return tensor

    def give_back(tensor: Any) -> Any:
        return tensor

    images = torch.empty(
        2, channels, height, width, device='meta'
    )  # BatchNorm refuses a single one
    with torch.autograd.graph.saved_tensors_hooks(keep, give_back):
        copied(images)
    return sum(kept.values()) // len(images)


def peak_bytes(network: nn.Module, channels: int, height: int, width: int) -> int:
    """Return the bytes that a prediction holds at its peak: the image, and features still needed.

    Nothing is computed, as in ``kept_bytes``. Weights do not count, nor what libraries need beside
    the tensors.

    Args:
        network: network that takes images, float32; it is counted in evaluation mode.
        channels: channels of an image.
        height: height of an image, in pixels.
        width: width of an image, in pixels.
    """
    copied = copy.deepcopy(network).to('meta').eval()
    with torch.no_grad(), _Live() as live:
        copied(torch.empty(1, channels, height, width, device='meta'))
    return live.peak


class _Live(TorchDispatchMode):
    """Counts the bytes of the tensors that operations make, until nobody holds them any more."""

    def __init__(self) -> None:
        super().__init__()
        self.now = self.peak = 0
        self.known: dict[int, weakref.ref] = {}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        given = {self._key(one) for one in tree_leaves((args, kwargs)) if _is_tensor(one)}
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if _is_tensor(tensor) and (key := self._key(tensor)) not in given:
                self._hold(tensor.untyped_storage(), key)
        return made

    @staticmethod
    def _key(tensor: torch.Tensor) -> int:
        return int(tensor.untyped_storage()._cdata)

    def _hold(self, storage: torch.UntypedStorage, key: int) -> None:
        if key in self.known:
            return
        size = storage.nbytes()

        def release(_: object) -> None:
            self.known.pop(key, None)
            self.now -= size

        self.known[key] = weakref.ref(storage, release)
        self.now += size
        self.peak = max(self.peak, self.now)


def _is_tensor(value: object) -> bool:
    return isinstance(value, torch.Tensor)
