"""The processes of one training: how they find each other."""

import os
import subprocess
from collections.abc import Mapping
from datetime import timedelta

import torch
import torch.distributed as torch_dist
from mmengine.device import get_device

from ..base.errors import UserError


def launch_id(launcher: str) -> str | None:
    """Return what tells this launch of several processes from others, across its restarts.

    A job that Slurm queues again keeps its number, and counts its steps from 0 again.
    """
    if launcher == 'pytorch':
        return os.environ.get('TORCHELASTIC_RUN_ID')
    if launcher == 'slurm':
        return f'slurm {os.environ.get("SLURM_JOB_ID")}.{os.environ.get("SLURM_STEP_ID")}'
    return None


def slurm_environment(slurm: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that torchrun would set, from those that ``srun`` sets.

    Args:
        slurm: environment variables of a task that ``srun`` started.

    Raises:
        UserError: this process is no task of ``srun``.
    """
    try:
        node = int(slurm['SLURM_NODEID'])
        tasks = _tasks_per_node(slurm['SLURM_STEP_TASKS_PER_NODE'])
        return {
            'RANK': slurm['SLURM_PROCID'],
            'LOCAL_RANK': slurm['SLURM_LOCALID'],
            'WORLD_SIZE': slurm['SLURM_STEP_NUM_TASKS'],
            'LOCAL_WORLD_SIZE': str(tasks[node]),
            'MASTER_ADDR': slurm.get('MASTER_ADDR') or _first_host(slurm['SLURM_STEP_NODELIST']),
            # Two jobs on one node need two ports, and all tasks of a job have to agree on theirs.
            'MASTER_PORT': slurm.get(
                'MASTER_PORT', str(20_000 + int(slurm['SLURM_JOB_ID']) % 20_000)
            ),
        }
    except KeyError as missing:
        raise UserError(
            f'--launcher slurm: {missing.args[0]} is not set; start it by srun, or with '
            'tools/slurm_train.sh'
        ) from None


def _tasks_per_node(text: str) -> list[int]:
    """Return the tasks of each node from Slurm's '2(x3),1', which means 2, 2, 2, 1."""
    counts: list[int] = []
    for part in text.split(','):
        tasks, _, times = part.partition('(x')
        counts += [int(tasks)] * int(times.rstrip(')') or 1)
    return counts


def _first_host(nodes: str) -> str:
    done = subprocess.run(
        ['scontrol', 'show', 'hostnames', nodes], capture_output=True, text=True, check=True
    )
    return done.stdout.split()[0]


def join_processes(launcher: str, timeout: float = 1800, backend: str | None = None) -> None:
    """Connect this process with those that the launcher started beside it, if it is not yet.

    MMEngine's way asks for a GPU. And torchrun keeps one store over its restarts: without a prefix
    of its own, a restarted process may read there the address of one that is dead.

    Args:
        launcher: what started the processes: 'none' (there is one), 'pytorch' (torchrun) or 'slurm'
            (srun).
        timeout: number of seconds that a process waits for the others.
        backend: backend of ``torch.distributed``; None for NCCL on GPUs and gloo elsewhere.

    Raises:
        UserError: the launcher did not start this process.
    """
    if launcher == 'none' or torch_dist.is_initialized():
        return
    environment = os.environ
    if launcher == 'slurm':
        environment.update(slurm_environment(environment))
    if 'RANK' not in environment:
        raise UserError(
            f'--launcher {launcher}: this process was not started by torchrun; use '
            'tools/dist_train.sh CONFIG GPUS'
        )
    rank, size = int(environment['RANK']), int(environment['WORLD_SIZE'])
    hosted = environment.get('TORCHELASTIC_USE_AGENT_STORE') == 'True'
    wait = timedelta(seconds=timeout)
    store: torch_dist.Store = torch_dist.TCPStore(
        environment['MASTER_ADDR'],
        int(environment['MASTER_PORT']),
        size,
        is_master=rank == 0 and not hosted,
        timeout=wait,
    )
    store = torch_dist.PrefixStore(
        f'restart {environment.get("TORCHELASTIC_RESTART_COUNT", 0)}', store
    )
    if get_device() == 'cuda':
        torch.cuda.set_device(int(environment['LOCAL_RANK']))
    backend = backend or ('nccl' if get_device() == 'cuda' else 'gloo')
    torch_dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=wait)
