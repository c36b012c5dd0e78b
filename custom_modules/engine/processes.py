"""How many processes a machine can take."""

import os

import torch
import torch.distributed as torch_dist

from ..errors import UserError


def check_process_count(text: str) -> int:
    """Return the number of processes asked for.

    Raises:
        UserError: no positive number, or more than there are GPUs (without a GPU: cores).
    """
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f'GPUS={text!r}: give the number of processes, 1 or more')
    count, gpus, cores = int(text), torch.cuda.device_count(), os.cpu_count() or 1
    if gpus and count > gpus:
        raise UserError(f'GPUS={count}: this machine has {gpus}; use at most that many')
    if not gpus and count > cores:
        raise UserError(
            f'GPUS={count}: this machine has no GPU and {cores} cores; use at most {cores}'
        )
    return count


def leave_process_group() -> None:
    """End the talk between processes before the interpreter takes its threads away."""
    if torch_dist.is_initialized():
        torch_dist.destroy_process_group()


def threads_per_process(count: int) -> int:
    """Return the cores of each of ``count`` processes."""
    return max(1, (os.cpu_count() or 1) // count)
