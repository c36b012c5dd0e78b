"""How many processes a machine can take."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from typing import NoReturn

import torch

from ..base.errors import UserError
from ..base.kinds import Worded, choice, either, integer
from ..base.stopping import SIGNALS
from ..base.system import usable_cores


def check_process_count(text: str) -> int:
    """Return the number of processes asked for.

    Raises:
        UserError: the text is no positive number, or more than there are GPUs (without a GPU:
            cores).
    """
    if not text.isdecimal() or int(text) < 1:
        raise UserError(f'GPUS={text!r}: give the number of processes, 1 or more')
    count, gpus, cores = int(text), torch.cuda.device_count(), os.cpu_count() or 1
    if gpus and count > gpus:
        raise UserError(f'GPUS={count}: this machine has {gpus}; use at most that many')
    if not gpus and count > cores:
        raise UserError(
            f'GPUS={count}: this machine has no GPU and {cores} cores; use at most {cores}'
        )
    return count


def check_restarts(text: str) -> int:
    """Return how often a training may be restarted.

    Raises:
        UserError: the text is no number.
    """
    if not text.isdecimal():
        raise UserError(f'RESTARTS={text!r}: give a number, 0 for none')
    return int(text)


def rendezvous(environment: Mapping[str, str]) -> list[str]:
    """Return torchrun's options for where the processes of all machines meet.

    Args:
        environment: environment variables: ``NNODES`` and, for more than one machine,
            ``MASTER_ADDR``, ``RUN_ID``, and maybe ``PORT`` and ``LOCAL_ADDR``.

    Raises:
        UserError: a variable is missing or out of its range.
    """
    nodes, port = environment.get('NNODES', '1'), environment.get('PORT', '29500')
    if not nodes.isdecimal() or int(nodes) < 1:
        raise UserError(f'NNODES={nodes!r}: give the number of machines, 1 or more')
    if nodes == '1':
        return ['--standalone']
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise UserError(f'PORT={port!r}: give a number from 1 to 65535')
    for name, meaning in (
        ('MASTER_ADDR', 'the name or address of one of the machines'),
        ('RUN_ID', 'a name for this launch, the same on all of them'),
    ):
        if not environment.get(name):
            raise UserError(f'NNODES={nodes} needs {name}: {meaning}')
    options = [
        f'--nnodes={nodes}',
        '--rdzv-backend=c10d',
        f'--rdzv-endpoint={environment["MASTER_ADDR"]}:{port}',
        f'--rdzv-id={environment["RUN_ID"]}',
    ]
    if environment.get('LOCAL_ADDR'):
        options.append(f'--local-addr={environment["LOCAL_ADDR"]}')
    return options


def end_workers() -> None:
    """End the workers of data loaders that are still there.

    They do not die of the first SIGTERM (see ``patient_worker``), so the interpreter would wait for
    them at its end.
    """
    if hasattr(signal, 'SIGCHLD'):  # torch would call a dead worker an error; Windows has none
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for child in multiprocessing.active_children():
        child.kill()
        child.join()


def leave(status: int) -> NoReturn:
    """End this process at once, with its workers.

    The threads of gloo abort now and then when the interpreter takes itself apart under them, which
    would turn a good run into status 134 and end the other processes before they have written.
    A signal changes nothing any more.
    """
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    end_workers()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def workers_of(value: int | str) -> int:
    """Return the number of loader workers; 'auto' is one per core of this process, at most 8.

    The cores are those the process may run on (a container or Slurm may give fewer than there are),
    shared among the processes that torchrun started on this machine.

    Raises:
        UserError: the value is neither 'auto' nor a number, or more than ``most_workers``.
    """
    if value == 'auto':
        return max(1, min(8, len(usable_cores()) // int(os.environ.get('LOCAL_WORLD_SIZE', 1))))
    most = most_workers()
    allowed = either(choice('auto'), integer(0, most))
    words = f"'auto' or {integer(0, most)} (this process has {len(usable_cores())} cores)"
    Worded(allowed, words).check('num_workers', value)
    return int(value)


def most_workers() -> int:
    """Return how many workers a loader may have on this machine.

    More than four per core wait for each other, and each takes memory of its own. Sixteen are
    allowed anywhere, so that a config made for a larger machine runs.
    """
    return max(16, 4 * len(usable_cores()))


def threads_per_process(count: int) -> int:
    """Return the cores of each of ``count`` processes."""
    return max(1, (os.cpu_count() or 1) // count)
