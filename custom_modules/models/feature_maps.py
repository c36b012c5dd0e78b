"""The feature maps of a network: where each comes from, and its shape."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

#: Parts of a BinarySegmentor, in the order in which they compute.
_PARTS = ('backbone', 'neck', 'decode_head')


@dataclass(frozen=True)
class FeatureMap:
    """A feature map of one image.

    Attributes:
        part: part of the model that makes it: 'backbone', 'neck' or 'decode_head'; '' for a model
            that has no such parts.
        name: number of a feature that a part hands on, from 0 for the finest; name of a layer where
            the part makes the logits; 'logits'.
        channels: number of channels.
        height: height in cells.
        width: width in cells.
    """

    part: str
    name: str
    channels: int
    height: int
    width: int


def feature_maps(model: nn.Module, images: torch.Tensor) -> list[FeatureMap]:
    """Return the pyramid of a network, in the order in which it is computed.

    That is what encoder and neck hand on, and what the layers of the head make of it, down to the
    logits of the image's size. Of a whole network without a head it is what its layers make.

    Args:
        model: model in eval mode; one that is no BinarySegmentor is one part by itself.
        images: normalised images, (1, C, H, W), float; on PyTorch's ``meta`` device nothing is
            computed.
    """
    named = {part: getattr(model, part, None) for part in _PARTS}
    parts = {part: one for part, one in named.items() if one is not None} or {'': model}
    last = [*parts][-1]
    found: list[FeatureMap] = []
    with ExitStack() as hooks, torch.no_grad():
        for part, module in parts.items():
            for name, layer in _layers(module) if part == last else [('', module)]:

                def note(
                    _: Any, seen: Any, output: Any, part: str = part, name: str = name
                ) -> None:
                    if not any(output is one for one in seen):  # as of a sequence without layers
                        found.extend(_maps(part, name, output))

                hooks.callback(layer.register_forward_hook(note).remove)
        logits = _maps(last, 'logits', model(images))
    if found and logits and _shape(found[-1]) == _shape(logits[-1]):
        found.pop()  # the last convolution of a head
    return found + logits


def _layers(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the direct parts of a module, and in place of a list what is in it."""
    for name, child in module.named_children():
        if isinstance(child, nn.ModuleList | nn.ModuleDict):
            yield from ((f'{name}.{inner}', layer) for inner, layer in child.named_children())
        else:
            yield name, child


def _maps(part: str, name: str, output: Any) -> list[FeatureMap]:
    """Return the feature maps in what a module gives; each of several has its number as a name."""
    if isinstance(output, dict):
        output = [*output.values()]
    if isinstance(output, list | tuple):
        inside = [(str(number), one) for number, one in enumerate(output)]
        return [one for number, item in inside for one in _maps(part, number, item)]
    if not isinstance(output, torch.Tensor) or output.ndim != 4:
        return []
    return [FeatureMap(part, name, *output.shape[1:])]


def _shape(one: FeatureMap) -> tuple[int, int, int]:
    return one.channels, one.height, one.width
