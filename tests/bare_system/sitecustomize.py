"""Takes from every interpreter that starts with it what Windows or macOS do not have.

Its folder is in ``PYTHONPATH`` of the process of ``tests/test_other_systems.py`` and, inherited, of
all that it starts.
"""

import multiprocessing
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Iterable
from types import ModuleType

POSIX = {'SIGALRM', 'SIGHUP', 'SIGKILL', 'SIGPIPE', 'SIGCHLD', 'SIGUSR1', 'SIGUSR2', 'SIGSTOP'}
POSIX |= {'setitimer', 'ITIMER_REAL', 'alarm', 'pthread_kill', 'sigwait', 'pause'}

#: Whose code meets this system; torch asks ``sys.platform`` before it takes what is not there.
OWN = ('custom_modules', '__main__', '_start', '_parser', 'petseg')


class _Signals(ModuleType):
    def __getattribute__(self, name: str) -> object:
        if name in POSIX and sys._getframe(1).f_globals['__name__'].startswith(OWN):
            raise AttributeError(f'{name} is not there on this system')
        return super().__getattribute__(name)


def _no_link(*_: object, **__: object) -> None:
    raise OSError(1314, 'A required privilege is not held by the client')


def _popen(self: subprocess.Popen, *words: object, **options: object) -> None:
    assert not options.get('pass_fds') and not options.get('preexec_fn')  # as Windows does
    _started(self, *words, **options)


def _refuse_proc(event: str, arguments: Iterable[object]) -> None:
    path = next(iter(arguments), None) if event in ('open', 'os.listdir', 'os.scandir') else None
    if isinstance(path, str | bytes) and os.fsdecode(path).startswith(('/proc', '/sys/fs/cgroup')):
        raise FileNotFoundError(2, 'No such file or directory', path)


for module in ('fcntl', 'resource', 'grp', 'pwd', 'termios'):
    sys.modules[module] = None  # type: ignore[assignment]
for name in ('sched_getaffinity', 'sched_setaffinity', 'fork', 'forkpty', 'killpg', 'getuid'):
    delattr(os, name)
signal.__class__ = _Signals
os.symlink = _no_link  # type: ignore[assignment]
_started, subprocess.Popen.__init__ = subprocess.Popen.__init__, _popen  # type: ignore[method-assign]
platform.system = lambda: 'Windows'  # MMEngine asks no module, but this
multiprocessing.set_start_method('spawn')
multiprocessing.get_all_start_methods = lambda: ['spawn']  # type: ignore[assignment]
sys.addaudithook(_refuse_proc)
