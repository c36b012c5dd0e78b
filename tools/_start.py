"""What every tool does first, before the seconds of its imports."""

import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any

import _python  # noqa: F401  (refuses one that is too old)


def start() -> None:
    """Let nothing go wrong before ``custom_modules.commands.cli`` takes over."""
    if '' in sys.argv[1:]:  # of a shell's variable that is not set; a path of '' is the folder here
        print('error: an argument is empty; is a variable of the shell not set?', file=sys.stderr)
        raise SystemExit(2)
    # No traceback of half an import, no word of a broken pipe.
    for name in ('SIGINT', 'SIGPIPE'):
        if hasattr(signal, name):  # Windows has no SIGPIPE
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    _wait_for_lock()
    _spin_briefly()
    # The descriptor of a closed stream would be that of the next file that is opened.
    for number, name, mode in ((0, 'stdin', 'r'), (1, 'stdout', 'w'), (2, 'stderr', 'w')):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_RDWR), number)
            os.set_inheritable(number, True)
            stream = open(number, mode)  # noqa: SIM115  (it stays open)
            setattr(sys, name, stream)
            setattr(sys, f'__{name}__', stream)


def _spin_briefly() -> None:
    """Let the threads of a computation that wait for each other spin for microseconds, then sleep.

    By default GNU's OpenMP spins for milliseconds. Where another process has one of the cores, the
    thread that all wait for then has to wait until the spinning ones are sent away: docs/log.md has
    a training that became thirty times slower. It is read when torch is loaded.
    """
    if 'OMP_WAIT_POLICY' not in os.environ:
        os.environ.setdefault('GOMP_SPINCOUNT', '10000')


def _wait_for_lock() -> None:
    """Take the lock that a sweep names, to the end of this process, however it ends."""
    path = os.environ.pop('PETSEG_LOCK', None)
    if path:
        from filelock import FileLock

        held.append(FileLock(path))
        held[0].acquire()


#: The lock of this process, kept until its end.
held: list[Any] = []

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
if multiprocessing.parent_process() is None:  # a process that a tool starts reads the tool anew
    start()
