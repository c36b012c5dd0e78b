"""What results were measured on."""

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path

import torch
from mmengine.device import get_device

from ..base.device import devices_not_used
from ..base.paths import PROJECT_ROOT


def device_name() -> str:
    """Return the name of the GPU, or of the processor with the threads torch uses."""
    if get_device() == 'mps':
        return f'{_processor()}, its GPU (mps)'
    if get_device() in ('cuda', 'xpu'):
        return str(getattr(torch, get_device()).get_device_name())
    count = torch.get_num_threads()
    return f'{_processor()}, {count} {"thread" if count == 1 else "threads"}'


def describe_device(dtype: torch.dtype | None = None) -> str:
    """Return what a tool says of where it computes: the device, others that are here, the dtype."""
    precision = '' if dtype is None else f', {str(dtype).removeprefix("torch.")}'
    return f'{device_name()}{devices_not_used()}{precision}'


def environment() -> dict[str, str]:
    """Return device, versions and commit, as ``metrics.json`` and the log hold them."""
    return dict(
        device=device_name(),
        torch=str(torch.__version__),
        python=platform.python_version(),
        system=f'{platform.system()} {platform.machine()}',
        commit=_commit(),
    )


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return names[0] if names else platform.machine()


def _commit() -> str:
    """Return the commit of the project, with ``+changes`` if files differ from it.

    An installed package has its release; a repository around a copy without one is another's.
    """
    if not (PROJECT_ROOT / '.git').exists():
        return _release()
    command = [
        'git',
        '-C',
        str(PROJECT_ROOT),
        'describe',
        '--always',
        '--dirty=+changes',
        '--abbrev=12',
    ]
    try:
        answer = subprocess.run(
            command, capture_output=True, text=True, timeout=10, env={**os.environ, 'LC_ALL': 'C'}
        )
    except (OSError, subprocess.TimeoutExpired):
        return 'unknown'
    return answer.stdout.strip() or 'unknown'


def _release() -> str:
    try:
        return f'petseg {importlib.metadata.version("petseg")}'
    except importlib.metadata.PackageNotFoundError:
        return 'unknown'
