"""How long a user waits: for --help, the first training step, the first mask of a photograph.

python -m benchmarks.startup [--rounds 5]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2

from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.datasets.synthetic_dataset import draw_sample

from .turns import write

PREDICT = [sys.executable, str(PROJECT_ROOT / 'tools' / 'predict.py')]
TRAIN = [sys.executable, str(PROJECT_ROOT / 'tools' / 'train.py')]


def help_seconds() -> float:
    start = time.perf_counter()
    subprocess.run([*TRAIN, '--help'], check=True, capture_output=True)
    return time.perf_counter() - start


def first_step_seconds(folder: Path) -> float:
    """Return the seconds from the command to the first line of the log that tells of a step."""
    options = [f'data_root={folder}/sample', 'default_hooks.logger.interval=1', 'max_epochs=1']
    command = [*TRAIN, 'configs/sample/unet_sample.py', '--work-dir', str(folder / 'runs')]
    start = time.perf_counter()
    process = subprocess.Popen(
        [*command, '--cfg-options', *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    seen = set(folder.glob('runs/2*'))
    try:
        while process.poll() is None:
            for run in set(folder.glob('runs/2*')) - seen:
                log = run / 'train.log'
                if log.is_file() and 'Epoch(train)' in log.read_text():
                    return time.perf_counter() - start
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    raise RuntimeError('the training ended without a step')


def first_mask_seconds(folder: Path) -> float:
    """Return the seconds of the command for one photograph of 1,000 x 1,000, all imports in it."""
    photograph = folder / 'photograph.jpg'
    if not photograph.is_file():
        pixels = cv2.imread(str(PROJECT_ROOT / 'docs' / 'images' / 'cat.jpg'))
        cv2.imwrite(str(photograph), cv2.resize(pixels, (1000, 1000)))
    out = folder / 'masks'
    words = ['pretrained/pets', str(photograph), '--out', str(out), '--overwrite']
    start = time.perf_counter()
    subprocess.run([*PREDICT, *words], check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        draw_sample(folder / 'sample')
        rows = {
            'tools/train.py --help': [help_seconds() for _ in range(args.rounds)],
            'first step on the synthetic data set': [
                first_step_seconds(folder) for _ in range(args.rounds)
            ],
            'first mask of a photograph, pretrained/pets': [
                first_mask_seconds(folder) for _ in range(args.rounds)
            ],
        }
    medians = {what: round(statistics.median(values), 3) for what, values in rows.items()}
    for what, seconds in medians.items():
        print(f'{what:44} {seconds:.2f} s')
    write('startup', dict(protocol=f'wall clock, median of {args.rounds}', seconds=medians))


if __name__ == '__main__':
    main()
