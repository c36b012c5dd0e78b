"""In which number format the network computes, chosen by what the hardware is good at."""

from contextlib import AbstractContextManager

import torch

from ..base.errors import UserError

PRECISIONS = ('auto', 'fp32', 'bf16', 'fp16')


def resolve_dtype(precision: str, device: torch.device | str) -> torch.dtype:
    """Return the dtype of matrix products and convolutions.

    'auto' is bf16 where the hardware has it, fp16 on a GPU without, fp32 elsewhere.

    Raises:
        UserError: the precision is unknown, or the device cannot compute in it.
    """
    if precision not in PRECISIONS:
        raise UserError(
            f'precision={precision!r} is not allowed; use one of {", ".join(PRECISIONS)}'
        )
    on_gpu = torch.device(device).type == 'cuda'
    if precision == 'auto':
        if on_gpu:
            return torch.bfloat16 if torch.cuda.is_bf16_supported(False) else torch.float16
        return torch.bfloat16 if _cpu_has_bf16() else torch.float32
    if precision == 'fp16' and not on_gpu:
        raise UserError("precision='fp16' needs a GPU; use 'auto', 'bf16' or 'fp32' on a CPU")
    return dict(fp32=torch.float32, bf16=torch.bfloat16, fp16=torch.float16)[precision]


def _cpu_has_bf16() -> bool:
    # Both questions are private in torch; where a release lacks one, fp32 is the safe answer.
    questions = ('_is_avx512_bf16_supported', '_is_amx_tile_supported')
    return any(getattr(torch.cpu, question, bool)() for question in questions)


def autocast(dtype: torch.dtype, device: torch.device | str) -> AbstractContextManager:
    """Return the autocast context of ``dtype``; float32 means none."""
    kind = torch.device(device).type
    return torch.autocast(kind, dtype=dtype, enabled=dtype != torch.float32)
