"""End to end: a training epoch over real data, from the files to the weights.

python -m benchmarks.epoch [--images 1024] [--rounds 3]

Three ways in turns: the recipe of configs/laptop with its cache, the same without, and the way of
the reports' loops (fp32, NCHW, decoding and resizing in every epoch). The step alone, on a batch in
memory, is measured beside them: what the first lacks to it is what the data costs.
"""

import argparse
import tempfile
import time
from pathlib import Path

from mmengine.hooks import Hook
from mmengine.runner import Runner

from custom_modules.config import load_config
from custom_modules.engine import PetSegRunner

from .step import runner_step
from .turns import in_turns, report

CONFIG = 'configs/laptop/resnet34_unet_pet_128.py'


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
    config = load_config(CONFIG, [*base, *options])
    config.work_dir = str(folder)
    config.train_cfg['val_interval'] = 2
    runner = PetSegRunner.from_cfg(config)
    clock = Clock()
    runner.register_hook(clock)
    runner.train()
    return clock.seconds[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', type=int, default=1024)
    parser.add_argument('--rounds', type=int, default=3)
    args = parser.parse_args()
    size, batch = 128, 16
    ways = {
        'PetSeg, cache': ['cache=True'],
        'PetSeg, JPEG': ['cache=False'],
        'as the reports: fp32, JPEG': ['cache=False', 'precision=fp32'],
    }
    steps = args.images // batch
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        step = runner_step(CONFIG, size, batch, 'auto', f'{name}/step')
        seconds: dict[str, list[float]] = {way: [] for way in (*ways, 'step alone')}
        for _ in range(args.rounds):
            for way, options in ways.items():
                seconds[way].append(epoch_seconds(options, args.images, folder) / steps)
            seconds['step alone'] += in_turns({'': step}, 1, 12)['']
    report(
        'epoch',
        f'second epoch of {CONFIG} on {args.images} real images, {size}x{size}, batch {batch}, '
        '2 workers',
        batch,
        seconds,
        'as the reports: fp32, JPEG',
    )


if __name__ == '__main__':
    main()
