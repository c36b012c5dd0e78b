"""How much a training step keeps of an image until its gradient is there."""

import copy
from typing import Any

import torch
from torch import nn


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
