"""What a training step gains when the process keeps the memory it frees.

python -m benchmarks.allocator [--config CONFIG] [--batch 16] [--rounds 5] [--steps 4]

The setting is of a process and cannot be taken back, so every turn is a process of its own.
"""

import argparse
import subprocess
import sys

from custom_modules.engine.memory import keep_freed_memory

from .step import bare_net, bare_step
from .turns import in_turns, report

WAYS = {'given back': False, 'kept': True}


def seconds_of_a_process(keeps: bool, arguments: list[str]) -> float:
    """Return the seconds of a step in a new process."""
    command = [sys.executable, '-m', 'benchmarks.allocator', *arguments, '--turn', str(int(keeps))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--config', default='configs/resnet34_unet_pet.py')
    parser.add_argument('--size', type=int, default=128)
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--steps', type=int, default=4)
    parser.add_argument('--turn', type=int, choices=(0, 1), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.turn is not None:
        if args.turn and not keep_freed_memory():
            raise SystemExit('this system has no such setting')
        step = bare_step(bare_net(args.config), args.size, args.batch, 'auto')
        print(in_turns({'': step}, 1, args.steps)[''][0])
        return
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(args.rounds):
        for way, keeps in WAYS.items():
            seconds[way].append(seconds_of_a_process(keeps, sys.argv[1:]))
    report(
        'allocator',
        f'training step of {args.config}, {args.size}x{args.size}, batch {args.batch}, auto, in a '
        'bare loop whose freed memory is given back to the system (the default) or kept '
        '(as tools/train.py does)',
        args.batch,
        seconds,
        'given back',
    )


if __name__ == '__main__':
    main()
