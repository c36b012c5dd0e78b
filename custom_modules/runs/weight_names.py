"""Under which names of a model the weights of a file belong, whoever wrote it."""

import re
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

Weights = dict[str, torch.Tensor]

#: Three convolutions in the place of a ResNet's first one: timm's names, and MMSegmentation's.
_STEM = ((re.compile(r'conv1\.(\d)\.'), r'stem.\1.'), (re.compile(r'bn1\.'), 'stem.7.'))


def named_for(model: nn.Module, weights: Weights, prefix: str | None) -> Weights:
    """Return weights under the names of a model, whichever part of it they are of.

    Args:
        model: model, or part of one, whose names are wanted.
        weights: weights under the names of their file.
        prefix: beginning of the names of the weights to take; None to find the part by the names.
    """
    if prefix is not None:
        dotted = prefix.rstrip('.') + '.'
        return {n.removeprefix(dotted): w for n, w in weights.items() if n.startswith(dotted)}
    wanted = model.state_dict().keys()
    return max(_readings(model, weights), key=lambda named: len(named.keys() & wanted))


def _readings(model: nn.Module, weights: Weights) -> Iterator[Weights]:
    """Yield the weights under the names that they may have in the model."""
    yield weights
    yield {f'backbone.{name}': weight for name, weight in weights.items()}
    part: Any
    for place, part in model.named_modules():
        start = f'{place}.' if place else ''
        if hasattr(part, 'published_name'):
            yield {start + part.published_name(name): weight for name, weight in weights.items()}
        elif getattr(part, 'deep_stem', False) is True:
            yield {start + _of_stem(name): weight for name, weight in weights.items()}


def _of_stem(name: str) -> str:
    for theirs, ours in _STEM:
        if theirs.match(name):
            return theirs.sub(ours, name, count=1)
    return name
