"""How long a user waits: for --help, and for the first training step on the synthetic data set.

python -m benchmarks.startup [--rounds 5]
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.datasets.synthetic_dataset import draw_sample

from .turns import write

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
        }
    medians = {what: round(statistics.median(values), 3) for what, values in rows.items()}
    for what, seconds in medians.items():
        print(f'{what:32} {seconds:.2f} s')
    write('startup', dict(protocol=f'wall clock, median of {args.rounds}', seconds=medians))


if __name__ == '__main__':
    main()
