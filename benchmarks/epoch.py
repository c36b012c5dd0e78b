"""End to end: a training epoch over real data, from the files to the weights.

python -m benchmarks.epoch [--images 1024] [--rounds 3]

Three ways in turns: the recipe of configs/laptop with its cache, the same without, and the way of
the reports' loops (fp32, NCHW, decoding and resizing in every epoch, memory given back after every
step). The step alone, on a batch in memory, is measured beside them: what the first lacks to it is
what the data costs. Every turn is a process of its own, as every run is.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.runner import Runner

from custom_modules.config import load_config
from custom_modules.engine import PetSegRunner
from custom_modules.engine.memory import keep_freed_memory

from .step import runner_step
from .turns import in_turns, report

CONFIG = 'configs/laptop/resnet34_unet_pet_128.py'
SIZE, BATCH = 128, 16

REPORTS, STEP = 'as the reports: fp32, JPEG', 'step alone'
WAYS = {
    'PetSeg, cache': ['cache=True'],
    'PetSeg, JPEG': ['cache=False'],
    REPORTS: ['cache=False', 'precision=fp32'],
    STEP: [],
}


class Clock(Hook):
    """Seconds of each training epoch, from its first batch's request to its last step."""

    priority = 'VERY_HIGH'

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def before_train_epoch(self, runner: Runner) -> None:
        self.started = time.perf_counter()

    def after_train_epoch(self, runner: Runner) -> None:
        self.seconds.append(time.perf_counter() - self.started)


def epoch_seconds(options: list[str], images: int, folder: Path) -> float:
    """Return the seconds of the second epoch: workers run, memory is allocated."""
    base = [f'train_dataloader.dataset.indices={images}', 'val_dataloader.dataset.indices=16']
    base += ['max_epochs=2', 'default_hooks.checkpoint=None']
    config = load_config(CONFIG, [*base, *options]).resolved
    config.work_dir = str(folder)
    config.train_cfg['val_interval'] = 2
    runner = PetSegRunner.from_cfg(config)
    clock = Clock()
    runner.register_hook(clock)
    runner.train()
    return clock.seconds[1]


def turn(way: str, images: int) -> float:
    """Return the seconds per step of one way, in this process."""
    if way != REPORTS:
        keep_freed_memory()  # as tools/train.py does
    with tempfile.TemporaryDirectory() as folder:
        if way == STEP:
            step = runner_step(CONFIG, SIZE, BATCH, 'auto', folder)
            return in_turns({way: step}, rounds=1, steps=16)[way][0]
        return epoch_seconds(WAYS[way], images, Path(folder)) / (images // BATCH)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', type=int, default=1024)
    parser.add_argument('--rounds', type=int, default=3)
    parser.add_argument('--turn', choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.turn:
        print(turn(args.turn, args.images))
        return
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(args.rounds):
        for way in WAYS:
            command = [sys.executable, '-m', 'benchmarks.epoch', '--turn', way]
            command += ['--images', str(args.images)]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds[way].append(float(done.stdout.split()[-1]))
    report(
        'epoch',
        f'second epoch of {CONFIG} on {args.images} real images, {SIZE}x{SIZE}, batch {BATCH}, '
        '2 workers, a process each',
        BATCH,
        seconds,
        REPORTS,
    )


if __name__ == '__main__':
    main()
