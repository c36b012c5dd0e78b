"""BatchNorm over the batches of all processes, where there is no GPU."""

import torch
import torch.distributed as torch_dist
from torch import nn
from torch.autograd.function import FunctionCtx


class _SumOverProcesses(torch.autograd.Function):
    @staticmethod
    def forward(ctx: FunctionCtx, values: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        total = values.clone()
        torch_dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: torch.Tensor) -> torch.Tensor:  # noqa: ARG004
        return _SumOverProcesses.apply(gradient.contiguous())


class CPUSyncBatchNorm(nn.BatchNorm2d):
    """BatchNorm whose mean and variance are of the batches of all processes (any backend).

    torch.nn.SyncBatchNorm does the same and refuses a CPU. In evaluation it is plain BatchNorm.
    Statistics are float32, the result has the dtype of the input (N, C, H, W).
    """

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(inputs)
        values = inputs.float()
        # Two sums over the processes instead of one: E(x²) - E(x)² cancels.
        own = torch.cat([values.sum((0, 2, 3)), values.new_tensor([values[:, 0].numel()])])
        total: torch.Tensor = _SumOverProcesses.apply(own)
        count = total[-1].detach()
        centred = values - (total[:-1] / count)[:, None, None]
        variance = _SumOverProcesses.apply(centred.square().sum((0, 2, 3))) / count
        self._remember((total[:-1] / count).detach(), variance.detach() * count / (count - 1))
        scale = self.weight * torch.rsqrt(variance + self.eps)
        normalised = centred * scale[:, None, None] + self.bias[:, None, None]
        return normalised.to(inputs.dtype)

    @torch.no_grad()
    def _remember(self, mean: torch.Tensor, variance: torch.Tensor) -> None:
        assert self.num_batches_tracked is not None and self.momentum is not None
        assert self.running_mean is not None and self.running_var is not None
        self.num_batches_tracked.add_(1)
        self.running_mean.lerp_(mean, self.momentum)
        self.running_var.lerp_(variance, self.momentum)


def synchronise_batch_norm(model: nn.Module, every: bool = True) -> None:
    """Let each BatchNorm of ``model`` take its statistics from the batches of all processes.

    Weights, statistics and their names stay, so a checkpoint fits with and without.

    Args:
        model: model that is changed in place.
        every: whether every BatchNorm is changed; False changes only what the config calls SyncBN.
    """
    kinds = (nn.SyncBatchNorm, nn.BatchNorm2d) if every else (nn.SyncBatchNorm,)
    for module in model.modules():
        if type(module) in kinds:
            module.__class__ = CPUSyncBatchNorm
