"""Peak memory of tests and predictions of large pictures: in windows, and whole where that fits.

python -m benchmarks.large_pictures [--width 0.125] [--size 256]

Each row is a process of its own. The network has random weights; the picture is noise.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from mmengine.registry import MODELS

from custom_modules.api import load
from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.commands.test import test
from custom_modules.config import load_config
from custom_modules.engine.memory import keep_freed_memory
from custom_modules.engine.memory_use import peak_memory
from custom_modules.runs.checkpoint_io import save_checkpoint

from .turns import write

CONFIG = 'configs/binary_masks_unet_patches.py'

#: The test pipeline of whole pictures, at their own size.
WHOLE = [
    "test_pipeline=[dict(type='LoadImage'), dict(type='LoadMask'), "
    "dict(type='Pad', size_divisor=16), dict(type='PackBinarySegInputs')]"
]

#: Row -> width and height of the picture, what is done, and options of the config.
ROWS: dict[str, tuple[tuple[int, int], str, list[str]]] = {
    'test, 256x256, one window': ((256, 256), 'test', []),
    'test, 1500x1000, whole': ((1500, 1000), 'test', WHOLE),
    'test, 1500x1000, windows': ((1500, 1000), 'test', []),
    'test, 3000x2000, windows': ((3000, 2000), 'test', []),
    'test, 6000x4000, windows': ((6000, 4000), 'test', []),
    'test --quick, 6000x4000, windows': ((6000, 4000), 'test --quick', []),
    'prediction, 6000x4000, windows': ((6000, 4000), 'prediction', []),
}


def measure(row: str, options: list[str]) -> int:
    """Do what a row says in this process and return its peak memory in MiB."""
    size, action, more = ROWS[row]
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        options = [f'data_root={root}', 'precision=fp32', *more, *options]
        config = load_config(CONFIG, options)
        checkpoint = root / 'random.pth'
        state = MODELS.build(config.resolved.model).state_dict()
        save_checkpoint(dict(state_dict=state, meta={}), checkpoint)
        path = _draw(root, size)
        if action == 'prediction':
            load(CONFIG, checkpoint, options=options)(path)
        else:
            test(config, str(checkpoint), str(root / 'out'), quick='quick' in action)
    return (peak_memory() or 0) // 2**20


def _draw(root: Path, size: tuple[int, int]) -> Path:
    """Write a picture with its mask for each split, and return the path of the tested one."""
    coarse = np.random.default_rng(0).integers(0, 256, (size[1] // 50, size[0] // 50, 3), np.uint8)
    image = cv2.resize(coarse, size)
    mask = (image[..., 0] > 170) * np.uint8(255)
    for folder in ('images', 'masks'):
        (root / folder).mkdir()
    for split in ('train', 'val', 'test'):
        cv2.imwrite(str(root / 'images' / f'{split}.jpg'), image)
        cv2.imwrite(str(root / 'masks' / f'{split}.png'), mask)
        (root / f'{split}.txt').write_text(split)
    return root / 'images' / 'test.jpg'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--width', type=float, default=0.125, help='factor of the channels')
    parser.add_argument('--size', type=int, default=256, help='of the windows')
    parser.add_argument('--row', choices=ROWS, help='measure this one in this process')
    args = parser.parse_args()
    options = [f'width={args.width}', f'patch_size={args.size}', 'batch_size=8']
    if args.row:
        print(measure(args.row, options))
        return
    rows = {}
    for row in ROWS:
        command = [sys.executable, '-m', 'benchmarks.large_pictures', '--row', row]
        command += [f'--width={args.width}', f'--size={args.size}']
        done = subprocess.run(
            command, cwd=PROJECT_ROOT, check=True, stdout=subprocess.PIPE, text=True
        )
        rows[row] = int(done.stdout.split()[-1])
        print(f'{row:45} {rows[row]:,} MiB', flush=True)
    protocol = (
        f'peak memory of {CONFIG} with width={args.width}, windows of {args.size} pixels, 8 at a '
        'time, float32, on one picture; interpreter and libraries included, a process each'
    )
    write('large_pictures', dict(protocol=protocol, mebibytes=rows))


if __name__ == '__main__':
    main()
