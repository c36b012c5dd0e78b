"""Looking at somebody's folder: seconds and peak memory for 1,000 and 10,000 pairs.

python -m benchmarks.preparation [--width 500] [--height 375]

Photographs are drawn (smooth noise, JPEG), masks are PNG of 0 and 255, all different, in a folder
of their own that is removed in the end. Each number of pairs has a process of its own, which looks
as ``tools/prepare_data.py --from`` does before it writes: all images and masks are decoded.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.engine.memory import give_back_freed_memory
from custom_modules.engine.memory_use import peak_memory
from custom_modules.preparation.answers import Answers
from custom_modules.preparation.looking import Cut, look

from .turns import write

PAIRS = (1_000, 10_000)


def draw(folder: Path, pairs: int, width: int, height: int) -> None:
    """Write that many pairs."""
    for name in ('images', 'masks'):
        (folder / name).mkdir(parents=True)

    def one(number: int) -> None:
        random = np.random.RandomState(number)
        coarse = random.randint(0, 256, (24, 32, 3), np.uint8)
        image = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        mask = np.zeros((height, width), np.uint8)
        centre = (random.randint(width), random.randint(height))
        cv2.ellipse(mask, centre, (width // 5, height // 4), random.randint(180), 0, 360, 255, -1)
        cv2.imwrite(str(folder / 'images' / f'{number:05}.jpg'), image)
        cv2.imwrite(str(folder / 'masks' / f'{number:05}.png'), mask)

    with ThreadPoolExecutor() as pool:
        list(pool.map(one, range(pairs)))


def measure(folder: Path) -> dict[str, float]:
    """Look at a folder in this process; return the seconds and its peak memory in MiB."""
    give_back_freed_memory()
    start, processor = time.perf_counter(), time.process_time()
    found = look(folder, Answers(), Cut(), lambda line: print(line, file=sys.stderr))
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    assert len(found.rows) in PAIRS
    return {
        'seconds': round(seconds, 1),
        'processor seconds': round(processor, 1),
        'MiB at the peak': (peak_memory() or 0) // 2**20,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--width', type=int, default=500)
    parser.add_argument('--height', type=int, default=375)
    parser.add_argument('--folder', help='measure this one in this process')
    args = parser.parse_args()
    if args.folder:
        print(json.dumps(measure(Path(args.folder))))
        return
    rows = {}
    for pairs in PAIRS:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary, 'own')
            draw(folder, pairs, args.width, args.height)
            command = [sys.executable, '-m', 'benchmarks.preparation', f'--folder={folder}']
            done = subprocess.run(
                command, cwd=PROJECT_ROOT, check=True, stdout=subprocess.PIPE, text=True
            )
        row = json.loads(done.stdout.splitlines()[-1])
        rows[f'{pairs:,} pairs'] = row
        print(f'{pairs:,} pairs: {row["seconds"]} s, {row["MiB at the peak"]:,} MiB')
    protocol = (
        f'prepare_data.py --from: all images (JPEG) and masks (PNG) of {args.width}x{args.height} '
        'pixels are decoded, paired, measured and compared; libraries are in the memory and not in '
        'the time; where other work has the cores, see the processor seconds'
    )
    write('preparation', dict(protocol=protocol, rows=rows))


if __name__ == '__main__':
    main()
