"""In which number format the network computes, chosen by what the hardware is good at."""

from contextlib import AbstractContextManager, nullcontext

import torch

from ..base.errors import UserError

PRECISIONS = ('auto', 'fp32', 'bf16', 'fp16')


def resolve_dtype(precision: str, device: torch.device | str) -> torch.dtype:
    """Return the dtype of matrix products and convolutions.

    'auto' is bf16 where the hardware has it, fp16 on a GPU without, fp32 elsewhere: on Apple's too,
    where nobody has compared them. The scaler of losses, which fp16 needs, is for CUDA and XPU.

    Raises:
        UserError: the precision is unknown, or the device cannot compute in it.
    """
    if precision not in PRECISIONS:
        raise UserError(
            f'precision={precision!r} is not allowed; use one of {", ".join(PRECISIONS)}'
        )
    kind = torch.device(device).type
    if precision == 'auto':
        if kind in ('cuda', 'xpu'):
            return torch.bfloat16 if _has_bf16(kind) else torch.float16
        return torch.bfloat16 if kind == 'cpu' and _has_bf16(kind) else torch.float32
    if precision == 'fp16' and kind not in ('cuda', 'xpu'):
        raise UserError(
            f"precision='fp16' needs a GPU of CUDA, ROCm or XPU; use 'auto', 'bf16' or 'fp32' on "
            f'{"a CPU" if kind == "cpu" else kind}'
        )
    return dict(fp32=torch.float32, bf16=torch.bfloat16, fp16=torch.float16)[precision]


def memory_format(device: torch.device | str) -> torch.memory_format:
    """Return the order of values that convolutions of a device are fastest with.

    Channels innermost, but for Apple's, whose kernels copy them into the other order first.
    """
    on_mps = torch.device(device).type == 'mps'
    return torch.contiguous_format if on_mps else torch.channels_last


def _has_bf16(kind: str) -> bool:
    if kind == 'cuda':
        return torch.cuda.is_bf16_supported(False)
    if kind == 'xpu':
        return getattr(torch.xpu, 'is_bf16_supported', bool)()
    # Both questions are private in torch; where a release lacks one, fp32 is the safe answer.
    questions = ('_is_avx512_bf16_supported', '_is_amx_tile_supported')
    return any(getattr(torch.cpu, question, bool)() for question in questions)


def autocast(dtype: torch.dtype, device: torch.device | str) -> AbstractContextManager:
    """Return the autocast context of ``dtype``; float32 means none."""
    kind = torch.device(device).type
    if not torch.amp.is_autocast_available(kind):
        return nullcontext()
    return torch.autocast(kind, dtype=dtype, enabled=dtype != torch.float32)
