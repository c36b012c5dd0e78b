"""Convolutions with torch's outputs and gradients, which are learned faster on a CPU in bf16.

Where feature maps are small and have many channels, most of a training step goes into the gradients
of the weights: oneDNN takes 180 ms of one core for 16 maps of 1,024 channels and 2x2 pixels, a
matrix product over all positions 11 ms (Xeon with AMX). A transposed convolution whose squares do
not overlap is a 1x1 convolution with a channel for each pixel of a square; its gradients take half
the time. docs/performance.md has a whole step.
"""

import functools
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

Pair = tuple[int, int]


class _MatrixGradient(torch.autograd.Function):
    """A convolution; the gradient of its weights is one matrix product over all positions."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor | None,
        stride: Pair,
        padding: Pair,
    ) -> torch.Tensor:
        ctx.save_for_backward(inputs, weight)
        ctx.stride, ctx.padding = stride, padding
        return F.conv2d(inputs, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        inputs, weight = ctx.saved_tensors
        of_inputs = of_weight = of_bias = None
        if ctx.needs_input_grad[0]:
            of_inputs, _, _ = torch.ops.aten.convolution_backward(
                *(gradient, inputs, weight, None, ctx.stride, ctx.padding),
                *((1, 1), False, (0, 0), 1, (True, False, False)),
            )
        if ctx.needs_input_grad[1]:
            of_weight = _gradient_of_weight(gradient, inputs, weight.shape, ctx.stride, ctx.padding)
        if ctx.needs_input_grad[2]:
            of_bias = gradient.sum((0, 2, 3))
        return of_inputs, of_weight, of_bias, None, None


def _gradient_of_weight(
    gradient: torch.Tensor, inputs: torch.Tensor, shape: torch.Size, stride: Pair, padding: Pair
) -> torch.Tensor:
    """Return (O, C, kH, kW): gradient (O, N x H x W) times what the kernel saw at each position."""
    out_channels, in_channels, kernel_height, kernel_width = shape
    height, width = gradient.shape[2:]
    vertical, horizontal = padding
    padded = F.pad(inputs, (horizontal, horizontal, vertical, vertical)).permute(0, 2, 3, 1)
    seen = [
        padded[
            :,
            row : row + stride[0] * (height - 1) + 1 : stride[0],
            column : column + stride[1] * (width - 1) + 1 : stride[1],
        ]
        for row in range(kernel_height)
        for column in range(kernel_width)
    ]
    columns = torch.stack(seen, 3).reshape(-1, kernel_height * kernel_width * in_channels)
    rows = gradient.permute(0, 2, 3, 1).reshape(-1, out_channels)
    product = rows.t() @ columns
    return product.view(out_channels, kernel_height, kernel_width, in_channels).permute(0, 3, 1, 2)


def _convolve(
    inputs: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None,
    stride: Pair = (1, 1),
    padding: Pair = (0, 0),
) -> torch.Tensor:
    """Convolve, with the gradient of the weights by the way that is faster for this size."""
    positions = inputs.shape[0]
    for side, kernel, step, pad in zip(
        inputs.shape[2:], weight.shape[2:], stride, padding, strict=True
    ):
        positions *= (side + 2 * pad - kernel) // step + 1
    if positions > most_positions() or min(weight.shape[:2]) < 64:
        return F.conv2d(inputs, weight, bias, stride, padding)
    dtype = torch.get_autocast_dtype('cpu')
    bias = None if bias is None else bias.to(dtype)
    return _MatrixGradient.apply(inputs.to(dtype), weight.to(dtype), bias, stride, padding)


@functools.cache
def most_positions() -> int:
    """Return up to how many output pixels of a batch the matrix product was the faster way.

    Measured with and without AMX (``ONEDNN_MAX_CPU_ISA=AVX512_CORE_BF16``), from 18 to 2,048
    channels; with fewer than 64 there is nothing to gain.
    """
    has_amx = getattr(torch.cpu, '_is_amx_tile_supported', bool)()
    return 1024 if has_amx else 256


def _learns_in_bf16(module: nn.Conv2d | nn.ConvTranspose2d, inputs: torch.Tensor) -> bool:
    return (
        torch.is_grad_enabled()
        and module.weight.requires_grad
        and inputs.device.type == 'cpu'
        and inputs.dim() == 4
        and torch.is_autocast_enabled('cpu')
        and not torch.compiler.is_compiling()
    )


class CpuConv2d(nn.Conv2d):
    """``nn.Conv2d`` of any stride and padding by zeros, without groups and dilation."""

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return (N, O, H', W') of (N, C, H, W), as ``nn.Conv2d`` does."""
        if not _learns_in_bf16(self, inputs):
            return super().forward(inputs)
        stride, padding = self.stride, self.padding
        return _convolve(inputs, self.weight, self.bias, stride, padding)  # type: ignore[arg-type]


class CpuConvTranspose2d(nn.ConvTranspose2d):
    """``nn.ConvTranspose2d`` whose stride is the size of its kernel."""

    def forward(self, inputs: torch.Tensor, output_size: list[int] | None = None) -> torch.Tensor:
        """Return (N, O, kH, kW) of (N, C, H, W), as ``nn.ConvTranspose2d`` does."""
        if output_size is not None or not _learns_in_bf16(self, inputs):
            return super().forward(inputs, output_size)
        (images, _, height, width), (vertical, horizontal) = inputs.shape, self.kernel_size
        squares = self.weight.permute(2, 3, 1, 0).reshape(-1, self.in_channels, 1, 1)
        bias = None if self.bias is None else self.bias.repeat(vertical * horizontal)
        outputs = _convolve(inputs, squares, bias).permute(0, 2, 3, 1)
        outputs = outputs.reshape(images, height, width, vertical, horizontal, self.out_channels)
        outputs = outputs.permute(0, 1, 3, 2, 4, 5)
        outputs = outputs.reshape(images, height * vertical, width * horizontal, self.out_channels)
        return outputs.permute(0, 3, 1, 2)


def use_cpu_convolutions(network: nn.Module) -> None:
    """Let the convolutions of a network take these gradients; weights and names stay.

    Classes of others that inherit from torch's keep their own.
    """
    for module in network.modules():
        if type(module) is nn.Conv2d:
            plain = (module.padding_mode, module.groups, module.dilation) == ('zeros', 1, (1, 1))
            if plain and not isinstance(module.padding, str):
                module.__class__ = CpuConv2d
        elif type(module) is nn.ConvTranspose2d:
            plain = (module.groups, module.dilation) == (1, (1, 1))
            plain = plain and module.padding == module.output_padding == (0, 0)
            if plain and module.stride == module.kernel_size:
                module.__class__ = CpuConvTranspose2d
