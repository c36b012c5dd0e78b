"""What a network costs: parameters, multiply-accumulates of an image, the time that it takes."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..base.device import synchronise
from .binary_segmentor import BinarySegmentor
from .network import logits_of
from .precision import autocast

#: Runs before the measurement, at most in it and at least; the seconds after which no more begin.
WARM_UP, MOST_RUNS, FEWEST_RUNS, SECONDS = 3, 50, 5, 3.0

#: Percentiles of the runs: the range and what is between.
_RANGE = (10, 50, 90)


def cost_of_image(
    model: BinarySegmentor, inputs: torch.Tensor, dtype: torch.dtype
) -> dict[str, Any]:
    """Return what one image costs, as ``metrics.json`` has it.

    Multiply-accumulates are those of convolutions, matrix products and attention in one pass of
    encoder and head, as PyTorch's ``FlopCounterMode`` counts them (two operations each). What is
    timed is what a test computes with: an exported file, a compiled network, averaged views.

    Args:
        model: model in evaluation mode, on its device.
        inputs: normalised image, (1, 3, H, W), float, on that device.
        dtype: dtype that the test computes in.

    Returns:
        ``parameters`` and ``multiply_accumulates``, whole numbers; ``image_size``, height and width
        of ``inputs``; ``latency``, with ``median``, ``low`` and ``high`` (the 10th and the 90th
        percentile) in milliseconds, and ``runs``.
    """
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        logits_of(model, inputs)
    with torch.inference_mode(), autocast(dtype, inputs.device.type):
        timed = latency(lambda: model(inputs))
    return dict(
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        multiply_accumulates=counter.get_total_flops() // 2,
        image_size=[*inputs.shape[-2:]],
        latency=timed,
    )


def operations_of_parts(model: nn.Module, inputs: torch.Tensor) -> dict[str, int]:
    """Return the multiply-accumulates of each part of a model, counted as by ``cost_of_image``.

    Args:
        model: model in evaluation mode.
        inputs: normalised image, (1, C, H, W), float, on its device; ``meta`` will do, where
            PyTorch has no short cuts for attention, which ``FlopCounterMode`` would not see.

    Returns:
        name of each direct part that counts anything -> its number; ``total``, that of all.
    """
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(inputs)
    counts = counter.get_flop_counts()
    of_parts = {
        name: sum(counts.get(f'{type(model).__name__}.{name}', {}).values()) // 2
        for name, _ in model.named_children()
    }
    counted = {name: number for name, number in of_parts.items() if number}
    return counted | dict(total=counter.get_total_flops() // 2)


def latency(step: Callable[[], object]) -> dict[str, float | int]:
    """Return median, 10th and 90th percentile of the milliseconds of ``step``, and the runs.

    The first runs do not count. A machine that has other work shows in the distance of the two.
    """
    for _ in range(WARM_UP):
        seconds_of(step)
    seconds: list[float] = []
    start = time.perf_counter()
    while len(seconds) < MOST_RUNS and (
        len(seconds) < FEWEST_RUNS or time.perf_counter() - start < SECONDS
    ):
        seconds.append(seconds_of(step))
    low, median, high = (1000 * np.percentile(seconds, _RANGE)).tolist()
    return dict(median=median, low=low, high=high, runs=len(seconds))


def seconds_of(step: Callable[[], object], times: int = 1) -> float:
    """Return the seconds that ``times`` steps take, those of a GPU to their end."""
    synchronise()
    start = time.perf_counter()
    for _ in range(times):
        step()
    synchronise()
    return time.perf_counter() - start
