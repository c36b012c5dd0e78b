"""On which device this process computes: one rule for all tools, and for MMEngine too.

``get_device`` of MMEngine is what everything asks, here and there; what it answers is settled here.
Left to itself it takes Apple's ``mps`` unasked.
"""

import os
from collections.abc import Mapping
from typing import Any

import torch
from mmengine.device import get_device, utils

from .errors import UserError

#: Environment variable that decides, whatever a config says; ``--device`` sets it.
VARIABLE = 'PETSEG_DEVICE'

#: What may be asked for; a number after ``cuda:`` names one of several GPUs.
NAMES = ('auto', 'cpu', 'cuda', 'mps', 'xpu', *(f'cuda:{number}' for number in range(64)))
IN_WORDS = "'auto', 'cpu', 'cuda', 'cuda:1' (one of several), 'mps' or 'xpu'"


def devices_here() -> list[str]:
    """Return the kinds of devices that this machine has and this build of torch can use."""
    found = ['cpu']
    if torch.cuda.is_available():  # of AMD too
        found.append('cuda')
    if torch.backends.mps.is_available():
        found.append('mps')
    if torch.xpu.is_available():
        found.append('xpu')
    return found


def present_device(wanted: str) -> str:
    """Return the device that a name stands for, such as 'cpu' or 'cuda:1'; it is here.

    'auto' is a GPU of CUDA (or ROCm) where there is one, else the CPU: on ``mps`` and ``xpu``
    nothing of this project has been run yet, so they are taken where they are asked for.

    Args:
        wanted: one of ``NAMES``.

    Raises:
        UserError: the name is none of them, or this machine has no such device.
    """
    if wanted not in NAMES:
        raise UserError(f'device={wanted!r} is not allowed; use {IN_WORDS}')
    here = devices_here()
    if wanted == 'auto':
        return 'cuda' if 'cuda' in here else 'cpu'
    kind, _, number = wanted.partition(':')
    if kind not in here:
        raise UserError(
            f'device={wanted!r}: torch {torch.__version__} finds none here; use --device '
            f'{" or ".join(here)}, or install a build of torch for it (docs/installation.md)'
        )
    count = torch.cuda.device_count() if number else 0
    if number and int(number) >= count:
        raise UserError(
            f'device={wanted!r}: this machine has {count} of them; use one up to cuda:{count - 1}'
        )
    return wanted


def use_device(configured: str = 'auto') -> str:
    """Let this process compute on a device, and return its kind.

    Args:
        configured: ``device`` of the config, such as 'cuda:1'; the environment goes before it.

    Returns:
        'cpu', 'cuda', 'mps' or 'xpu', which ``get_device`` returns from now on.

    Raises:
        UserError: see ``present_device``, or several processes are to compute on what only one can
            have.
    """
    wanted = os.environ.get(VARIABLE) or configured
    kind, _, number = present_device(wanted).partition(':')
    if 'RANK' in os.environ and (number or kind not in ('cpu', 'cuda')):
        raise UserError(
            f'device={wanted!r}: several processes compute on GPUs of CUDA, each on its own, or on '
            "the CPU; use 'cuda' or 'cpu'"
        )
    if number:
        torch.cuda.set_device(int(number))  # 'cuda' is this one from now on
    utils.DEVICE = kind
    return kind


def device_of(config: Mapping[str, Any]) -> str:
    """Let this process compute where a config says (``use_device``).

    Args:
        config: resolved config; without ``env_cfg.device``, as older ones, it says 'auto'.

    Raises:
        UserError: see ``use_device``.
    """
    return use_device((config.get('env_cfg') or {}).get('device', 'auto'))


def devices_not_used() -> str:
    """Return the devices that are here and not used, for the line of a tool; '' for none."""
    unused = [kind for kind in devices_here() if kind not in ('cpu', get_device())]
    return f' ({", ".join(unused)} is here: --device {unused[0]})' if unused else ''


def synchronise() -> None:
    """Wait for all that was given to the device; a CPU has done it already."""
    if get_device() in ('cuda', 'mps', 'xpu'):
        getattr(torch, get_device()).synchronize()


utils.DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'  # until a config is there
