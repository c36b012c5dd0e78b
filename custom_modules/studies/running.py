"""Running one experiment: its training and its test, each in a process of its own."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from ..base.errors import UserError, user_message
from ..base.paths import LATEST, PROJECT_ROOT, follow_latest, make_writable, workspace
from ..base.system import ask_to_end, own_group
from .experiments import Experiment

#: What an experiment is doing or how it ended.
WAITING, TRAINING, TESTING = 'waiting', 'training', 'testing'
DONE, FAILED, STOPPED, PRUNED = 'done', 'failed', 'stopped', 'stopped early'

#: What both commands of an experiment print.
OUTPUT = 'output.txt'

#: Locks of an experiment's folder: of the sweep that runs it, and of the process that does the
#: work, which takes it itself (``tools/_start.py``) and is told the file in this variable.
_SWEEPS, _WORKERS, _VARIABLE = '.lock', '.working.lock', 'PETSEG_LOCK'

#: Seconds between two looks at a process or at a lock.
_PERIOD = 0.2


@dataclass
class Progress:
    """What an experiment is doing, for whoever watches.

    Attributes:
        experiment: experiment that is watched.
        state: one of the constants of this module.
        note: reason why it failed; '' otherwise.
    """

    experiment: Experiment
    state: str = WAITING
    note: str = ''


class Stop:
    """Ask running experiments to end: once, and they save and leave; again, and they are killed."""

    def __init__(self) -> None:
        self.asked = 0
        self.event = threading.Event()

    def ask(self) -> None:
        self.asked += 1
        self.event.set()


def run_experiment(
    progress: Progress,
    stop: Stop | None = None,
    environment: Mapping[str, str] | None = None,
    steps: Sequence[str] = (TRAINING, TESTING),
) -> None:
    """Train and test an experiment, as far as that is not done; go on where it was cut off.

    The processes lock the experiment's folder too. If the sweep is killed they go on, and the next
    sweep waits for them: no experiment is ever run twice at a time.

    Args:
        progress: experiment to run, whose state is kept true meanwhile; in the end DONE, FAILED or
            STOPPED.
        stop: request to end the experiment's processes, which may come at any time; None for none.
        environment: environment variables for the processes beside those of this one.
        steps: steps to do: TRAINING alone, or TRAINING and TESTING.

    Raises:
        UserError: the experiment's folder cannot be written, or was run with another config.
    """
    experiment, stop = progress.experiment, stop or Stop()
    make_writable(experiment.folder, '--work-dir')
    with _locked(experiment.folder, stop):
        if stop.asked:
            progress.state = STOPPED
            return
        experiment.check()
        experiment.mark()
        for step in steps if experiment.results() is None else []:
            progress.state = step
            command = _train_command(experiment) if step == TRAINING else _test_command(experiment)
            status = _run(command, experiment, stop, {**os.environ, **(environment or {})})
            if stop.asked:
                progress.state = STOPPED
                return
            if status:
                progress.state, progress.note = FAILED, _reason(experiment, step, status)
                return
        progress.state = DONE


def run_experiment_or_say_why(
    progress: Progress,
    stop: Stop | None = None,
    environment: Mapping[str, str] | None = None,
    steps: Sequence[str] = (TRAINING, TESTING),
) -> None:
    """``run_experiment``; whatever it raises is an experiment that failed, and the others go on."""
    try:
        run_experiment(progress, stop, environment, steps)
    except UserError as error:
        progress.state, progress.note = FAILED, user_message(error)
    except Exception as error:
        progress.state, progress.note = FAILED, f'{type(error).__name__}: {error}'


def _train_command(experiment: Experiment) -> list[str]:
    resume = [] if experiment.run() is None else ['--resume']
    tool = _tool('train.py', experiment.config, '--work-dir', experiment.folder)
    return [*tool, *resume, '--cfg-options', *experiment.options]


def _test_command(experiment: Experiment) -> list[str]:
    run = follow_latest(experiment.folder / LATEST)
    tool = _tool('test.py', experiment.config, run / experiment.weights)
    tool += ['--out', str(run / 'test'), '--probabilities'] if experiment.keeps_masks else []
    return [*tool, '--cfg-options', *experiment.options]


def _tool(name: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, str(PROJECT_ROOT / 'tools' / name), *map(str, arguments)]


@contextmanager
def _locked(folder: Path, stop: Stop) -> Iterator[None]:
    """Hold the lock of an experiment's folder; wait for whoever has it, unless a stop is asked for.

    A process that outlived its sweep is waited for too.
    """
    sweeps, workers = FileLock(folder / _SWEEPS), FileLock(folder / _WORKERS)
    for lock in (sweeps, workers):
        while not stop.asked:
            try:
                lock.acquire(blocking=False)
                break
            except Timeout:
                stop.event.wait(_PERIOD)
    workers.release()
    try:
        yield
    finally:
        sweeps.release()


def _run(
    command: Sequence[str],
    experiment: Experiment,
    stop: Stop,
    environment: Mapping[str, str],
) -> int:
    with open(experiment.folder / OUTPUT, 'ab') as output:
        process = subprocess.Popen(
            command,
            cwd=workspace(),
            env={
                **environment,
                _VARIABLE: str(experiment.folder / _WORKERS),
                'PYTHONIOENCODING': 'utf-8',  # of the file, whatever a terminal here has
            },
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            **own_group(),  # Ctrl-C reaches it through us, once
        )
    told = 0
    while True:
        try:
            return process.wait(_PERIOD)
        except subprocess.TimeoutExpired:
            if stop.asked > told:
                told = stop.asked
                ask_to_end(process) if told == 1 else process.kill()


def _reason(experiment: Experiment, state: str, status: int) -> str:
    """Return why a process failed, in a line."""
    if status < 0:
        return f'{state} was killed by signal {-status}'
    output = (experiment.folder / OUTPUT).read_text(encoding='utf-8', errors='replace')
    lines = [line for line in output.splitlines() if line.strip()]
    return lines[-1] if lines else f'{state} ended with status {status}'
