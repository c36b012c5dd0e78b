"""The receptive field of a network: the pixels that one of its logits depends on."""

import copy
from typing import Any

import torch
from torch import nn

#: Height or width of the strip of an image that is looked at first, and the longest, in pixels.
_FIRST, _LONGEST = 256, 2048

#: The other side of the strip: as little as the network takes, or this many pixels.
_NARROW = 64


def receptive_field(model: nn.Module, channels: int, divisor: int) -> tuple[int | None, int | None]:
    """Return height and width of the pixels that the logit in the centre depends on.

    It is the theoretical receptive field, which a network need not make use of (Luo et al.,
    NeurIPS 2016), and found by the gradient of that logit with regard to the image: any layers
    will do. The weights are positive, so that no unit is switched off and no contribution cancels
    another, and the images rise and fall along the side that is looked at, so that poolings hand on
    the pixel that is farthest away. In float64 the gradient is exactly 0 where nothing is seen. An
    image that is long and narrow shows one side of the field for a fraction of the work.

    Args:
        model: model, whose own weights do not count; it stays as it is.
        channels: number of channels of an image.
        divisor: number that height and width of an image must be multiples of.

    Returns:
        Height and width in pixels; None for a side that goes beyond 2,048, as that of networks
        which pool or attend over the whole image, or normalise by its statistics.
    """
    probe = copy.deepcopy(model).cpu().double().eval().requires_grad_(False)
    _average(probe)
    return _side(probe, channels, divisor, 0), _side(probe, channels, divisor, 1)


def _average(model: nn.Module) -> None:
    """Let each layer take a mean of its inputs, and each normalisation leave them as they are.

    The means are weighted at random: two logits of equal weights would have no difference.
    """
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim > 1:
                parameter.uniform_(0.5, 1.5, generator=generator)
                parameter.mul_(parameter.shape[0] / parameter.numel())
            else:
                parameter.fill_(0.0 if name.endswith('bias') else 1.0)
        for name, buffer in model.named_buffers():
            if name.endswith(('running_mean', 'running_var')):
                buffer.fill_(float(name.endswith('var')))


def _side(model: Any, channels: int, divisor: int, axis: int) -> int | None:
    """Return the height (``axis`` 0) or width (1) of the field; None for more than the longest."""

    def fitting(side: int) -> int:
        return -(-side // divisor) * divisor

    length = _FIRST
    while length <= max(_LONGEST, divisor):
        shape = [fitting(_NARROW), fitting(_NARROW)]
        shape[axis] = fitting(length)
        rise = torch.linspace(1, 2, shape[axis], dtype=torch.float64)
        rise = rise[:, None] if axis == 0 else rise
        images = torch.stack([rise.expand(channels, *shape), (3 - rise).expand(channels, *shape)])
        images.requires_grad_()
        logits = model(images)
        logits[..., logits.shape[-2] // 2, logits.shape[-1] // 2].sum().backward()
        assert images.grad is not None
        seen = images.grad.abs().sum((0, 1, 3 - axis)).nonzero()[:, 0]
        if len(seen) and seen[0] > 0 and seen[-1] < shape[axis] - 1:
            return int(seen[-1] - seen[0]) + 1
        length *= 2
    return None
