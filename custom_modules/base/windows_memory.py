"""Memory of the machine and of this process, asked of Windows."""

import ctypes
from typing import Any


class MachineMemory(ctypes.Structure):
    """MEMORYSTATUSEX of ``GlobalMemoryStatusEx``; sizes are bytes."""

    _fields_ = (
        ('length', ctypes.c_uint32),
        ('load', ctypes.c_uint32),
        *(
            (name, ctypes.c_uint64)
            for name in ('total', 'available', 'total_page_file', 'available_page_file')
        ),
        *(
            (name, ctypes.c_uint64)
            for name in ('total_virtual', 'available_virtual', 'available_extended_virtual')
        ),
    )


class ProcessMemory(ctypes.Structure):
    """PROCESS_MEMORY_COUNTERS of ``K32GetProcessMemoryInfo``; sizes are bytes."""

    _fields_ = (
        ('length', ctypes.c_uint32),
        ('page_faults', ctypes.c_uint32),
        *((name, ctypes.c_size_t) for name in ('peak_working_set', 'working_set')),
        *((name, ctypes.c_size_t) for name in ('peak_paged_pool', 'paged_pool')),
        *((name, ctypes.c_size_t) for name in ('peak_nonpaged_pool', 'nonpaged_pool')),
        *((name, ctypes.c_size_t) for name in ('page_file', 'peak_page_file')),
    )


def machine_memory() -> int | None:
    """Return the bytes that are available on this machine; None where this is not Windows."""
    memory = MachineMemory(length=ctypes.sizeof(MachineMemory))
    kernel = _kernel()
    if kernel is None or not kernel.GlobalMemoryStatusEx(ctypes.byref(memory)):
        return None
    return int(memory.available)


def process_peak() -> int | None:
    """Return the bytes of memory that this process had at its peak; None where not Windows."""
    memory = ProcessMemory(length=ctypes.sizeof(ProcessMemory))
    kernel = _kernel()
    if kernel is None:
        return None
    kernel.GetCurrentProcess.restype = ctypes.c_void_p
    process = ctypes.c_void_p(kernel.GetCurrentProcess())
    if not kernel.K32GetProcessMemoryInfo(process, ctypes.byref(memory), memory.length):
        return None
    return int(memory.peak_working_set)


def _kernel() -> Any:
    loader = getattr(ctypes, 'windll', None)
    return None if loader is None else loader.kernel32
