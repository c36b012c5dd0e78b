"""Running one cell: its training and its test, each in a process of its own."""

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..base.errors import UserError, user_message
from ..base.paths import PROJECT_ROOT, make_writable, workspace
from .cells import Cell

#: What a cell is doing or how it ended.
WAITING, TRAINING, TESTING = 'waiting', 'training', 'testing'
DONE, FAILED, STOPPED, PRUNED = 'done', 'failed', 'stopped', 'stopped early'

#: What both commands of a cell print.
OUTPUT = 'output.txt'

#: Seconds between two looks at a process or at a lock.
_PERIOD = 0.2


@dataclass
class Progress:
    """What a cell is doing, for whoever watches.

    Attributes:
        cell: which it is.
        state: one of the constants of this module.
        note: why it failed.
    """

    cell: Cell
    state: str = WAITING
    note: str = ''


class Stop:
    """Ask the running cells to end: once, and they save and leave; again, and they are killed."""

    def __init__(self) -> None:
        self.asked = 0
        self.event = threading.Event()

    def ask(self) -> None:
        self.asked += 1
        self.event.set()


def run_cell(
    progress: Progress,
    stop: Stop | None = None,
    environment: Mapping[str, str] | None = None,
    steps: Sequence[str] = (TRAINING, TESTING),
) -> None:
    """Train and test a cell, as far as that is not done; go on where it was cut off.

    The processes inherit a lock on the cell's folder. If the sweep is killed they go on, and the
    next sweep waits for them: no cell is ever run twice at a time.

    Args:
        progress: the cell, and what is kept true while it runs; in the end DONE, FAILED or STOPPED.
        stop: ends the cell's processes when it is asked for.
        environment: variables for the processes beside those of this one.
        steps: TRAINING alone, or both.

    Raises:
        UserError: the folder cannot be written, or was run with another config.
    """
    cell, stop = progress.cell, stop or Stop()
    make_writable(cell.folder, '--work-dir')
    with _locked(cell.folder, stop) as lock:
        if stop.asked:
            progress.state = STOPPED
            return
        cell.check()
        cell.mark()
        for step in steps if cell.results() is None else []:
            progress.state = step
            command = _train_command(cell) if step == TRAINING else _test_command(cell)
            status = _run(command, cell, lock, stop, {**os.environ, **(environment or {})})
            if stop.asked:
                progress.state = STOPPED
                return
            if status:
                progress.state, progress.note = FAILED, _reason(cell, step, status)
                return
        progress.state = DONE


def run_cell_or_say_why(
    progress: Progress,
    stop: Stop | None = None,
    environment: Mapping[str, str] | None = None,
    steps: Sequence[str] = (TRAINING, TESTING),
) -> None:
    """``run_cell``; whatever it raises is a cell that failed, and the others go on."""
    try:
        run_cell(progress, stop, environment, steps)
    except UserError as error:
        progress.state, progress.note = FAILED, user_message(error)
    except Exception as error:
        progress.state, progress.note = FAILED, f'{type(error).__name__}: {error}'


def _train_command(cell: Cell) -> list[str]:
    resume = [] if cell.run() is None else ['--resume']
    tool = _tool('train.py', cell.config, '--work-dir', cell.folder)
    return [*tool, *resume, '--cfg-options', *cell.options]


def _test_command(cell: Cell) -> list[str]:
    tool = _tool('test.py', cell.config, cell.folder / 'latest' / 'best.pth')
    return [*tool, '--cfg-options', *cell.options]


def _tool(name: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, str(PROJECT_ROOT / 'tools' / name), *map(str, arguments)]


@contextmanager
def _locked(folder: Path, stop: Stop) -> Iterator[IO]:
    """Hold the lock of a cell's folder; wait for whoever has it, unless a stop is asked for.

    A lock of flock belongs to the open file, which the processes of the cell share.
    """
    with open(folder / '.lock', 'w') as file:
        while not stop.asked:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                stop.event.wait(_PERIOD)
        yield file


def _run(
    command: Sequence[str], cell: Cell, lock: IO, stop: Stop, environment: Mapping[str, str]
) -> int:
    with open(cell.folder / OUTPUT, 'ab') as output:
        process = subprocess.Popen(
            command,
            cwd=workspace(),
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[lock.fileno()],
            start_new_session=True,  # Ctrl-C reaches it through us, once
        )
    told = 0
    while True:
        try:
            return process.wait(_PERIOD)
        except subprocess.TimeoutExpired:
            if stop.asked > told:
                told = stop.asked
                process.terminate() if told == 1 else process.kill()


def _reason(cell: Cell, state: str, status: int) -> str:
    """Return why a process failed, in a line."""
    if status < 0:
        return f'{state} was killed by signal {-status}'
    output = (cell.folder / OUTPUT).read_text(encoding='utf-8', errors='replace')
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else f'{state} ended with status {status}'
