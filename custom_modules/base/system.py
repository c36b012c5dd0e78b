"""What one system has and another lacks, each with what takes its place."""

import os
import signal
import subprocess
from collections.abc import Collection
from types import ModuleType
from typing import Any

resource: ModuleType | None
try:
    import resource
except ImportError:  # Windows
    resource = None


def usable_cores() -> list[int]:
    """Return the numbers of the cores that this process may use.

    A container or Slurm may give fewer than there are, which Linux alone tells; elsewhere these are
    all of them.
    """
    if hasattr(os, 'sched_getaffinity'):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def stay_on_cores(cores: Collection[int]) -> None:
    """Keep this thread, and the processes that it starts, on some cores; on Linux alone.

    Elsewhere processes that have as many threads as cores share the machine by themselves.
    """
    if hasattr(os, 'sched_setaffinity'):
        os.sched_setaffinity(0, cores)


def own_group() -> dict[str, Any]:
    """Return arguments of ``Popen`` by which Ctrl-C in the terminal does not reach the process."""
    if hasattr(subprocess, 'CREATE_NEW_PROCESS_GROUP'):  # Windows
        return dict(creationflags=subprocess.CREATE_NEW_PROCESS_GROUP)
    return dict(start_new_session=True)


def ask_to_end(process: subprocess.Popen) -> None:
    """Ask a process that was started with ``own_group`` to save its state and end.

    ``terminate`` of Windows would end it at once.
    """
    if hasattr(signal, 'CTRL_BREAK_EVENT'):
        process.send_signal(signal.CTRL_BREAK_EVENT)
    else:
        process.terminate()
