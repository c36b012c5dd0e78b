#!/usr/bin/env python
"""Run a tool in N processes of this machine: one per GPU, or on the CPU where there is none.

Variables of the environment change how:

RESTARTS=3      a training whose process dies goes on by itself from the last checkpoint, up to
                three times
NNODES=2        this machine is one of two; run the same command on each, with the same
MASTER_ADDR     name or address of one of them,
PORT            a free port there (default 29500), and
RUN_ID          a name for this launch; a launch of the same name goes on with its run
LOCAL_ADDR      address of this machine that the others reach, where its name is not enough
"""

import argparse
import logging
import os
import sys
from pathlib import Path

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument('tool', choices=('train', 'test'))
    parser.add_argument('processes', metavar='GPUS', help='number of processes')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, help='of the tool')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors

    with user_errors():
        from custom_modules.distributed.processes import (
            check_process_count,
            check_restarts,
            rendezvous,
            threads_per_process,
        )

        count = check_process_count(args.processes)
        restarts = check_restarts(os.environ.get('RESTARTS', '0'))
        meeting = rendezvous(os.environ)
        threads = os.environ.setdefault('OMP_NUM_THREADS', str(threads_per_process(count)))
        os.environ.setdefault('MKL_NUM_THREADS', threads)

    from torch.distributed.elastic.multiprocessing.api import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import main as torchrun

    # Each process prints its own errors; torchrun would add a page about the exit status.
    logging.getLogger('torch.distributed.elastic').setLevel(logging.CRITICAL)
    tool = str(Path(__file__).with_name(f'{args.tool}.py'))
    options = [*meeting, f'--nproc-per-node={count}', f'--max-restarts={restarts}']
    try:
        torchrun([*options, tool, *args.arguments, '--launcher', 'pytorch'])
    except ChildFailedError as error:
        statuses = {failure.exitcode for failure in error.failures.values()}
        # A process that a signal killed has a negative status.
        sys.exit(2 if 2 in statuses else next((s for s in statuses if s > 0), 1))
    except SignalException as error:
        sys.exit(128 + error.sigval)


if __name__ == '__main__':
    main()
