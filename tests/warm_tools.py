"""Tools in forks of a process that has imported already what they import.

A short command is five seconds of imports and one of work. Here the imports are paid once. A fork
has arguments, folder, environment and streams of its own and ends as the interpreter ends, so a
test sees what ``python tools/<name>.py`` would have said. That tools start cold is shown by the
tests of the README, of signals and of several processes.
"""

import gc
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

#: What every training and test imports: the last ones come with the first step of an optimiser and
#: with the first figure.
IMPORTS = (
    'custom_modules.commands.cli',
    'custom_modules.commands.test',
    'custom_modules.commands.train',
    'torch._dynamo',
    'matplotlib.backends.backend_agg',
    'matplotlib.figure',
)


class WarmTools:
    """The tools of one copy of the project.

    Where a fork is not safe they start cold: CUDA and some libraries of macOS do not survive one.

    Args:
        root: folder of the copy; what the tools import comes from there too.
    """

    def __init__(self, root: Path) -> None:
        self._server: subprocess.Popen | None = None
        if sys.platform == 'linux' and not torch.cuda.is_available():
            words = [sys.executable, __file__, str(root)]
            self._server = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )

    def __enter__(self) -> 'WarmTools':
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            # It has nothing to lose; the end of its stdin may be held open by workers of the tests.
            self._server.terminate()
            self._server.wait(timeout=60)

    def run(
        self, words: Sequence[str], folder: Path, environment: dict[str, str], timeout: float
    ) -> subprocess.CompletedProcess:
        """Run a tool in ``folder``: ``words`` are its file and its arguments.

        After ``timeout`` seconds a fork is ended by SIGALRM, which is status -14.
        """
        if not self._server:
            return subprocess.run(
                [sys.executable, *words],
                cwd=folder,
                capture_output=True,
                text=True,
                timeout=timeout,
                env=environment,
            )
        assert self._server.stdin and self._server.stdout
        command = dict(words=list(words), folder=str(folder), environment=environment)
        with tempfile.TemporaryDirectory() as said:
            command |= dict(timeout=timeout, said=said)
            print(json.dumps(command), file=self._server.stdin, flush=True)
            status = int(self._server.stdout.readline())
            stdout, stderr = (Path(said, name).read_text() for name in ('stdout', 'stderr'))
        return subprocess.CompletedProcess(list(words), status, stdout, stderr)


def serve(root: str) -> None:
    """Fork for every command that comes in and answer with its status."""
    sys.path[0] = root
    for name in IMPORTS:
        importlib.import_module(name)
    gc.freeze()  # collections of a fork need not look at what was imported
    for line in sys.stdin:
        child = os.fork()
        if not child:
            become(**json.loads(line))
            return  # and the interpreter ends as that of the tool would
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def become(
    words: list[str], folder: str, environment: dict[str, str], timeout: float, said: str
) -> None:
    """Be the process of a tool."""
    streams = ((os.devnull, 'r'), (f'{said}/stdout', 'w'), (f'{said}/stderr', 'w'))
    for descriptor, (path, mode) in enumerate(streams):
        with open(path, mode) as file:
            os.dup2(file.fileno(), descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = words
    sys.path[0] = str(Path(words[0]).parent)
    signal.setitimer(signal.ITIMER_REAL, timeout)
    runpy.run_path(words[0], run_name='__main__')


if __name__ == '__main__':
    serve(sys.argv[1])
