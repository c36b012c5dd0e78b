"""What becomes of memory that is freed: kept for the next step, or given back at once."""

import ctypes
import platform

from mmengine.device import get_device

# Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -2, -3, -4


def keep_freed_memory() -> bool:
    """Let this process keep the memory of freed tensors, where it computes on a CPU under glibc.

    By default glibc gives the memory of large tensors back to the system when they are freed. The
    next step gets it again as pages that the kernel has to map and clear one by one. Kept, a step
    of R0's ResNet34-UNet is 1.4 times as fast (docs/performance.md). The peak stays what it was.

    Returns:
        Whether freed memory is kept; False on a GPU and without glibc.
    """
    if get_device() != 'cpu' or platform.libc_ver()[0] != 'glibc':
        return False
    mallopt = ctypes.CDLL(None).mallopt
    kept = (
        (_M_MMAP_MAX, 0),  # from the heap, not from mappings of their own
        (_M_TRIM_THRESHOLD, -1),  # never shrink the heap
        (_M_TOP_PAD, 2**26),  # and let it grow by 64 MiB
    )
    return all(mallopt(option, value) == 1 for option, value in kept)


def give_back_freed_memory() -> bool:
    """Let glibc map memory from 64 KiB on by itself, and give it back when it is freed.

    For work that reads thousands of pictures and keeps a little of each: what is kept would else
    lie between the pictures in the heap, which then grows by a picture each time.

    Returns:
        Whether memory is given back; False without glibc.
    """
    if platform.libc_ver()[0] != 'glibc':
        return False
    return bool(ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, 1 << 16) == 1)
