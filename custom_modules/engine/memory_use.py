"""How much memory there is, how much this process has taken, and a limit to that.

Of the GPU where the process computes on one, else of the machine.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from mmengine.device import get_device

from ..base.system import resource
from ..base.windows_memory import machine_memory, process_peak


def peak_memory() -> int | None:
    """Return the bytes this process had at its peak, on a CPU with interpreter and libraries.

    None where the system does not tell.
    """
    if get_device() != 'cpu':
        return _of_gpu().max_memory_allocated() if get_device() != 'mps' else None
    if resource is None:
        return process_peak()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == 'darwin' else peak * 1024


def available_memory() -> int:
    """Return the bytes that a new process can have without taking them from others.

    Without a GPU: what Linux says is available, or less where the process is in a control group
    (a container, a Slurm job) with a limit; what Windows says; all of the memory on macOS.
    """
    if get_device() not in ('cpu', 'mps'):  # Apple's shares that of the machine
        return int(_of_gpu().mem_get_info()[0])
    available = _fields(Path('/proc/meminfo')).get('MemAvailable')
    if available is None:
        told = machine_memory()
        return (
            told if told is not None else os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES')
        )
    return min([available * 1024, *_left_in_groups()])


@contextmanager
def memory_limit(size: int) -> Iterator[None]:
    """Let this process have ``size`` bytes more than it has; asking for more fails at once.

    Without it Linux grants what it does not have, and kills some process when that is used. It
    holds for a GPU and on Linux.
    """
    if get_device() == 'cuda':
        total = torch.cuda.mem_get_info()[1]
        torch.cuda.set_per_process_memory_fraction(min(1.0, size / total))
        yield
        torch.cuda.set_per_process_memory_fraction(1.0)
        return
    data = _fields(Path('/proc/self/status')).get('VmData')
    if data is None or resource is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = data * 1024 + size
    limits = [limit, *(value for value in (soft, hard) if value != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether an error means that memory could not be had: of Python, NumPy, torch, oneDNN."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    said = str(error).lower()
    signs = ("can't allocate memory", 'not enough memory', 'could not create a memory object')
    return isinstance(error, RuntimeError) and any(sign in said for sign in signs)


def _of_gpu() -> Any:
    return getattr(torch, get_device())


def _fields(path: Path) -> dict[str, int]:
    """Return the numbers of a file of lines like ``VmData:  12 kB``."""
    try:
        lines = [
            line.replace(':', ' ').split() for line in path.read_text(encoding='utf-8').splitlines()
        ]
    except OSError:
        return {}
    return {line[0]: int(line[1]) for line in lines if len(line) > 1 and line[1].isdecimal()}


def _left_in_groups() -> Iterator[int]:
    """Yield what is left below the limit of each control group around this process."""
    try:
        groups = Path('/proc/self/cgroup').read_text(encoding='utf-8').splitlines()
    except OSError:
        return
    for group in groups:
        _, kinds, place = group.split(':', 2)
        if kinds in ('', 'memory'):  # version 2, version 1
            root = Path('/sys/fs/cgroup', kinds)
            names = (
                ('memory.limit_in_bytes', 'memory.usage_in_bytes')
                if kinds
                else ('memory.max', 'memory.current')
            )
            # In a container the place is often that on the host, and only the root is there.
            folder = root / place.lstrip('/')
            for level in (folder, *folder.parents):
                if level.is_relative_to(root):
                    limit, used = (_number(level / name) for name in names)
                    if limit is not None and used is not None:
                        # Files that nobody reads any more are given up for new memory.
                        files = _fields(level / 'memory.stat').get('inactive_file', 0)
                        yield max(0, limit - used + files)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding='utf-8'))
    except (OSError, ValueError):  # 'max'
        return None
