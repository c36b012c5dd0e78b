"""What weights to start from are worth: few labelled cats, from nothing and from a net of dogs.

python -m benchmarks.initial_weights WORK_DIR [--seeds 3] [--data-root data/oxford-iiit-pet]

The first net learns the dogs of the training split alone. Then 25, 50, 100 and 300 cats of it,
drawn by the seed, train the same net twice: from random weights and from those. Both take as many
steps, at one rate; no epoch is chosen, the last weights are tested, on all cats of the test split.
What is in WORK_DIR already is not trained again.
"""

import argparse
from pathlib import Path

import numpy as np

from custom_modules.commands.test import test
from custom_modules.commands.train import train
from custom_modules.config import load_config
from custom_modules.evaluation.bootstrap import percentile_intervals, resampled_sums
from custom_modules.runs.per_image_csv import read_rows

from .turns import write

CONFIG = 'configs/laptop/half_resnet34_unet_pet_128.py'

#: Steps of a training: two epochs of a list that is repeated until it has this many images.
IMAGES, EPOCHS, BATCH = 4800, 2, 16

SIZES = (25, 50, 100, 300)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', type=Path)
    parser.add_argument('--seeds', type=int, default=3)
    parser.add_argument('--data-root', default='data/oxford-iiit-pet')
    args = parser.parse_args()
    common = [f'data_root={args.data_root}', 'cache=True']
    dogs = args.work_dir / 'dogs'
    weights = _trained(dogs, [*common, *_species('dog')])
    rows = {}
    for size in SIZES:
        scores = {
            start: np.mean(
                [
                    _cats(args.work_dir / f'cats_{size}_{start}_{seed}', size, seed, init, common)
                    for seed in range(args.seeds)
                ],
                axis=0,
            )
            for start, init in (('random', None), ('dogs', weights))
        }
        rows[f'{size} cats'] = _row(scores['random'], scores['dogs'])
        print(f'{size} cats', rows[f'{size} cats'], flush=True)
    images = len(scores['dogs'])
    steps = EPOCHS * IMAGES // BATCH
    protocol = (
        f'labelled cats train the same net twice, {steps} steps of {BATCH} images each: from '
        'random weights, and from those of the same net trained on all dogs of the training split '
        f'({CONFIG}). Dice of the {images:,} cats of the test split at 128x128, border = '
        f'foreground, threshold 0.5, last weights, mean of {args.seeds} draws of the cats and of '
        'the random numbers; intervals over the images'
    )
    write('init', dict(protocol=protocol, rows=rows))


def _species(name: str) -> list[str]:
    return [f'{split}_dataloader.dataset.species={name}' for split in ('train', 'val', 'test')]


def _trained(folder: Path, options: list[str]) -> Path:
    """Return the last weights of a training below ``folder``, which goes on where it stopped."""
    config = load_config(CONFIG, options)
    return train(config, str(folder), resume='' if folder.is_dir() else None) / 'last.pth'


def _cats(folder: Path, size: int, seed: int, init: Path | None, common: list[str]) -> list[float]:
    """Return the Dice of each cat of the test split, in the order of the list."""
    options = [*common, *_species('cat'), f'seed={seed}']
    rows = folder / 'test' / 'per_image.csv'
    if not rows.is_file():
        repeated = (
            'train_dataloader.dataset=dict(type="RepeatDataset", _delete_=True, '
            f'times={IMAGES // size}, dataset=dict(type="OxfordPetDataset", split="train", '
            f'species="cat", subset={size}, subset_seed={seed}, data_root="$data_root", '
            'border="$border", cache="$cache", pipeline="$train_pipeline"))'
        )
        none = [f'{key}=None' for key in ('val_dataloader', 'val_cfg', 'val_evaluator')]
        training = [repeated, *none, f'max_epochs={EPOCHS}', f'init={init}']
        last = _trained(folder / 'run', [*options, *training])
        test(load_config(CONFIG, options), str(last), str(rows.parent), quick=True)
    return [row['dice'] for row in read_rows(rows)]


def _row(random: np.ndarray, dogs: np.ndarray) -> dict[str, str]:
    """Return means and their paired difference, each with its interval over the images."""
    columns = np.stack([random, dogs, dogs - random], axis=1)
    drawn = resampled_sums(columns) / len(columns)
    cells = {}
    for index, name in enumerate(('Dice from random weights', 'Dice from dogs', 'gain in points')):
        factor, digits = (100, 1) if index == 2 else (1, 4)
        low, high = percentile_intervals({name: factor * drawn[:, index]})[name]
        value = factor * columns[:, index].mean()
        sign = '+' if index == 2 else ''
        cells[name] = (
            f'{value:{sign}.{digits}f} ({low:{sign}.{digits}f} to {high:{sign}.{digits}f})'
        )
    return cells


if __name__ == '__main__':
    main()
