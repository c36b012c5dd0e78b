"""The experiments of a sweep on this machine, some at a time."""

import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch

from ..base.device import VARIABLE, present_device
from ..base.errors import UserError
from ..base.stopping import receiving
from ..base.system import stay_on_cores, usable_cores
from .experiments import Experiment
from .running import STOPPED, WAITING, Progress, Stop, run_experiment_or_say_why
from .watching import watch


def run_locally(experiments: Sequence[Experiment], jobs: int = 1) -> list[Progress]:
    """Run experiments until all are done, failed or stopped; show a live table.

    Args:
        experiments: experiments, as ``plan`` returns them.
        jobs: number of experiments that run at a time.

    Raises:
        UserError: there are fewer cores than jobs.
    """
    progress = [Progress(experiment) for experiment in experiments]
    waiting: queue.SimpleQueue[Progress] = queue.SimpleQueue()
    for one in progress:
        waiting.put(one)

    def work(environment: Mapping[str, str], stop: Stop) -> None:
        while not stop.asked:
            try:
                one = waiting.get_nowait()
            except queue.Empty:
                return
            run_experiment_or_say_why(one, stop, environment)

    run_jobs(jobs, work, progress)
    for one in progress:
        if one.state == WAITING:
            one.state = STOPPED
    return progress


def run_jobs(
    jobs: int, work: Callable[[Mapping[str, str], Stop], None], progress: Sequence[Progress]
) -> None:
    """Do ``work`` in several threads until each of them returns; show a live table meanwhile.

    Each job has its share of the cores, and a GPU of its own where there are GPUs. The first signal
    lets the running experiments save their state, the second kills them.

    Args:
        jobs: number of threads.
        work: function that each thread calls; it gets the environment variables for the processes
            that it starts, and what asks it to end.
        progress: experiments to show; ``work`` may add some.

    Raises:
        UserError: there are fewer cores than jobs, or no such device as the environment names.
    """
    shares = core_shares(jobs)
    named = os.environ.get(VARIABLE) or 'auto'
    present_device(named)  # now, and not in each experiment

    def job(number: int) -> None:
        stay_on_cores(shares[number])
        environment = dict(OMP_NUM_THREADS=str(len(shares[number])))
        if jobs > 1:
            # A thread that spins while it waits takes what another job could use.
            environment['OMP_WAIT_POLICY'] = 'passive'
        # A GPU that --device names is meant for all of them.
        gpus = 0 if named in ('cpu', 'mps', 'xpu') or ':' in named else torch.cuda.device_count()
        if gpus:
            environment['CUDA_VISIBLE_DEVICES'] = _visible_gpus(gpus)[number % gpus]
        work(environment, stop)

    with stop_on_signals() as stop:
        threads = [threading.Thread(target=job, args=(number,)) for number in range(jobs)]
        for thread in threads:
            thread.start()
        watch(progress, lambda: any(thread.is_alive() for thread in threads))


@contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Ask for a stop at each signal, instead of ending here and now."""
    stop = Stop()
    with receiving(lambda *_: stop.ask()):
        yield stop


def core_shares(jobs: int) -> list[set[int]]:
    """Return the cores of each job: this process's, parted evenly.

    Raises:
        UserError: there are fewer cores than jobs.
    """
    cores = usable_cores()
    if not 1 <= jobs <= len(cores):
        raise UserError(f'--jobs {jobs}: use 1 to {len(cores)}, a core for each job at least')
    return [set(cores[job::jobs]) for job in range(jobs)]


def _visible_gpus(count: int) -> list[str]:
    named = os.environ.get('CUDA_VISIBLE_DEVICES')
    return named.split(',') if named else [str(index) for index in range(count)]
