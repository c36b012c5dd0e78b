"""The cells of a sweep on this machine, some at a time."""

import os
import queue
import signal
import threading
from collections.abc import Sequence

import torch

from ..errors import UserError, user_message
from .cells import Cell
from .running import FAILED, STOPPED, WAITING, Progress, Stop, run_cell
from .watching import watch


def run_locally(cells: Sequence[Cell], jobs: int = 1) -> list[Progress]:
    """Run cells until all are done, failed or stopped; show a live table.

    Each job has its share of the cores, and a GPU of its own where there are GPUs. The first Ctrl-C
    or SIGTERM lets the running cells save their state, the second kills them.

    Args:
        cells: of ``plan``.
        jobs: cells that run at a time.

    Raises:
        UserError: there are fewer cores than jobs.
    """
    shares = core_shares(jobs)
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for index in range(len(cells)):
        waiting.put(index)
    progress = [Progress() for _ in cells]
    stop = Stop()

    def work(job: int) -> None:
        os.sched_setaffinity(0, shares[job])  # of this thread, and of the processes it starts
        environment = dict(OMP_NUM_THREADS=str(len(shares[job])))
        if len(shares) > 1:
            # A thread that spins while it waits takes what another job could use.
            environment['OMP_WAIT_POLICY'] = 'passive'
        gpus = torch.cuda.device_count()
        if gpus:
            environment['CUDA_VISIBLE_DEVICES'] = _visible_gpus(gpus)[job % gpus]
        while not stop.asked:
            try:
                index = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                run_cell(cells[index], progress[index], stop, environment)
            except UserError as error:
                progress[index].state, progress[index].note = FAILED, user_message(error)

    before = {
        number: signal.signal(number, lambda *_: stop.ask())
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        workers = [threading.Thread(target=work, args=(job,)) for job in range(len(shares))]
        for worker in workers:
            worker.start()
        watch(cells, progress, jobs, workers)
        for worker in workers:
            worker.join()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for one in progress:
        if one.state == WAITING:
            one.state = STOPPED
    return progress


def core_shares(jobs: int) -> list[set[int]]:
    """Return the cores of each job: this process's, parted evenly.

    Raises:
        UserError: there are fewer cores than jobs.
    """
    cores = sorted(os.sched_getaffinity(0))
    if not 1 <= jobs <= len(cores):
        raise UserError(f'--jobs {jobs}: use 1 to {len(cores)}, a core for each job at least')
    return [set(cores[job::jobs]) for job in range(jobs)]


def _visible_gpus(count: int) -> list[str]:
    named = os.environ.get('CUDA_VISIBLE_DEVICES')
    return named.split(',') if named else [str(index) for index in range(count)]
