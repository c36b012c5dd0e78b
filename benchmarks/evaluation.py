"""Validation and test: images per second in batches against one by one.

python -m benchmarks.evaluation [--images 512] [--rounds 3]
"""

import argparse
import tempfile
import time
from pathlib import Path

from custom_modules.config import load_config
from custom_modules.engine import PetSegRunner

from .turns import report

CONFIG = 'configs/laptop/resnet34_unet_pet_128.py'

WAYS = {
    'batch 1, fp32': ['batch_size=1', 'precision=fp32', 'cache=False'],
    'batch 16, fp32': ['batch_size=16', 'precision=fp32', 'cache=False'],
    'batch 16, auto': ['batch_size=16', 'precision=auto', 'cache=False'],
    'batch 16, auto, cache': ['batch_size=16', 'precision=auto', 'cache=True'],
}


def runner_of(options: list[str], images: int, folder: Path) -> PetSegRunner:
    config = load_config(CONFIG, [f'test_dataloader.dataset.indices={images}', *options]).resolved
    config.work_dir = str(folder)
    config.visualizer = dict(type='Visualizer', vis_backends=[])
    config.default_hooks = dict(logger=None, checkpoint=None, param_scheduler=None)
    config.custom_hooks = []
    for stage in ('train', 'val'):
        for key in ('dataloader', 'cfg', 'evaluator'):
            config.pop(f'{stage}_{key}', None)
    config.pop('optim_wrapper'), config.pop('param_scheduler')
    return PetSegRunner.from_cfg(config)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--images', type=int, default=512)
    parser.add_argument('--rounds', type=int, default=3)
    args = parser.parse_args()
    seconds: dict[str, list[float]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as name:
        runners = {way: runner_of(o, args.images, Path(name)) for way, o in WAYS.items()}
        for number in range(args.rounds + 1):
            for way, runner in runners.items():
                start = time.perf_counter()
                runner.test()
                if number:  # the first round warms up
                    seconds[way].append(time.perf_counter() - start)
    report(
        'evaluation',
        f'test of {CONFIG} on {args.images} real images, start of the workers and metrics included',
        args.images,
        seconds,
        'batch 1, fp32',
    )


if __name__ == '__main__':
    main()
