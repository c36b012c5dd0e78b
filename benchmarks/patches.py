"""Thin things in large pictures: stretched whole, in patches, and in patches that hold them.

python -m benchmarks.patches [--epochs 6] [--seeds 0]

Draws pictures of 1,400 x 1,000 pixels with a few cracks of two or three pixels, trains a small
U-Net in each way for as many steps of as many pixels, and scores it on eight pictures of their own
at their own size.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from custom_modules.commands.test import test
from custom_modules.commands.train import train
from custom_modules.config import load_config

from .turns import write

WHOLE, PATCHES = 'configs/binary_masks_unet.py', 'configs/binary_masks_unet_patches.py'

#: Pictures of each split, and the pixels that a step sees: 8 patches of 128 x 128.
SPLITS = dict(train=12, val=1, test=8)
STEPS = 24  # of an epoch

NET = [
    'model.backbone.channels=[16,32,64]',
    'model.decode_head.channels=[32,16]',
    'learning_rate=2e-3',
    'num_workers=0',
    'precision=fp32',
    'default_hooks.pictures=None',
    'train_pipeline.4.prob=0',  # no rotation, which blurs what is two pixels wide
]
PATCH = ['patch_size=128', 'batch_size=8', f'patches_per_image={STEPS * 8 // SPLITS["train"]}']

#: Way -> config and its options. Two pictures of 256 x 256 have the pixels of eight patches.
WAYS: dict[str, tuple[str, list[str]]] = {
    'stretched to 256x256': (
        WHOLE,
        [
            *('image_size=256', 'batch_size=2', 'resolution=original'),
            f'train_dataloader.sampler.times={STEPS * 2 // SPLITS["train"]}',
        ],
    ),
    'patches anywhere': (PATCHES, [*PATCH, 'foreground_share=0']),
    'a third of them around foreground': (PATCHES, [*PATCH, 'foreground_share=0.33']),
    'all of them around foreground': (PATCHES, [*PATCH, 'foreground_share=1']),
}


def draw(root: Path) -> float:
    """Write the pictures with their masks and lists; return the share of foreground."""
    share, number = 0.0, 0
    for folder in ('images', 'masks'):
        (root / folder).mkdir()
    for split, count in SPLITS.items():
        names = [str(number + index) for index in range(count)]
        for name in names:
            image, mask = _picture(np.random.default_rng(int(name)))
            cv2.imwrite(str(root / 'images' / f'{name}.png'), image)
            cv2.imwrite(str(root / 'masks' / f'{name}.png'), mask)
            share += mask.mean()
        (root / f'{split}.txt').write_text('\n'.join(names))
        number += count
    return share / number


def _picture(rng: np.random.Generator, height: int = 1000, width: int = 1400) -> tuple:
    coarse = rng.uniform(-1, 1, (height // 25, width // 25)).astype(np.float32)
    image = 130 + 30 * cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    image += rng.normal(0, 12, (height, width)).astype(np.float32)
    mask = np.zeros((height, width), np.uint8)
    for kind in ('crack', 'crack', 'shadow', 'shadow', 'scratch', 'scratch'):
        heading, place = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.8, 2) * (width, height)
        drawn = np.zeros((height, width), np.uint8)
        for _ in range(int(rng.integers(15, 30))):
            heading += rng.normal(0, 0.35)
            end = place + 14 * np.array([np.cos(heading), np.sin(heading)])
            thickness = 9 if kind == 'shadow' else int(rng.integers(2, 4))
            cv2.line(drawn, place.astype(int).tolist(), end.astype(int).tolist(), 1, thickness)
            place = end
        image += np.float32(dict(crack=-45, shadow=-45, scratch=45)[kind]) * drawn
        if kind == 'crack':
            mask |= drawn
    return np.repeat(np.clip(image, 0, 255).astype(np.uint8)[..., None], 3, 2), mask


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--epochs', type=int, default=6)
    parser.add_argument('--seeds', type=int, nargs='+', default=[0])
    args = parser.parse_args()
    rows = {}
    with tempfile.TemporaryDirectory() as name:
        root = Path(name, 'data')
        root.mkdir()
        share = draw(root)
        for way, (path, options) in WAYS.items():
            start = time.monotonic()
            found: list[dict[str, Any]] = []
            for seed in args.seeds:
                config = load_config(
                    path,
                    [
                        *(*options, *NET, f'data_root={root}', f'max_epochs={args.epochs}'),
                        *(f'seed={seed}', f'train_cfg.val_interval={args.epochs}'),
                    ],
                )
                config.resolved.experiment_name = f'{way}, {seed}'
                run = train(config, name)
                result = test(config, str(run / 'last.pth'), str(run / 'test'), quick=True)
                assert result is not None
                found.append(result)
            rows[way] = {
                **{
                    f'Dice, seed {seed}': round(f['Dice'], 4)
                    for seed, f in zip(args.seeds, found, strict=True)
                },
                **{
                    key: round(float(np.mean([f[key] for f in found])), 4)
                    for key in ('precision', 'recall')
                },
                'seconds of one': round((time.monotonic() - start) / len(found)),
            }
            print(way, rows[way], flush=True)
    protocol = (
        f'thin cracks, {share:.2%} of pictures of 1,400 x 1,000 pixels: a U-Net of three levels, '
        f'{args.epochs * STEPS} steps of 131,072 pixels each, the last weights scored on '
        f'{SPLITS["test"]} pictures at their own size; Dice: mean over images'
    )
    write('patches', dict(protocol=protocol, rows=rows))


if __name__ == '__main__':
    main()
