"""Every network of configs/zoo at the same budget: python -m benchmarks.zoo WORK_DIR [NAME ...]

Twice each: a fixed number of epochs, then as many whole epochs as fit into a fixed number of
seconds, by the pace of the first training. Each is tested, analysed and exported to ONNX. A row
goes to results/zoo/<name>.json when its network is done; what is in WORK_DIR is not done again, and
a training that was stopped goes on. Latencies and seconds want a machine with nothing else to do.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from custom_modules.base.errors import UserError
from custom_modules.base.json_file import read_json
from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.commands.analyze_model import analyze_model
from custom_modules.commands.export import OutOfToleranceError, export
from custom_modules.commands.test import test
from custom_modules.commands.train import train
from custom_modules.config import LoadedConfig, load_config
from custom_modules.datasets.seeded_dataset import SeededDataset
from custom_modules.evaluation.bootstrap import percentile_intervals, resampled_sums
from custom_modules.runs.per_image_csv import read_rows

ZOO = PROJECT_ROOT / 'configs' / 'zoo'
RESULTS = PROJECT_ROOT / 'results' / 'zoo'


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('work_dir', type=Path)
    parser.add_argument('names', nargs='*', help='networks of configs/zoo; all if none is named')
    parser.add_argument('--epochs', type=int, default=5)
    parser.add_argument('--seconds', type=int, default=300)
    parser.add_argument('--data-root', default='data/oxford-iiit-pet')
    args = parser.parse_args()
    every = sorted(path.stem for path in ZOO.glob('*.py') if path.stem != '_base_')
    for name in args.names or every:
        print(f'\n{name}', flush=True)
        row = _row(args.work_dir / name, name, args.epochs, args.seconds, args.data_root)
        RESULTS.mkdir(parents=True, exist_ok=True)
        path = RESULTS / f'{name}.json'
        path.write_text(json.dumps(row, indent=2) + '\n', encoding='utf-8')


def _row(folder: Path, name: str, epochs: int, seconds: int, data_root: str) -> dict[str, Any]:
    def config(number: int) -> LoadedConfig:
        options = [f'max_epochs={number}', f'data_root={data_root}']
        return load_config(ZOO / f'{name}.py', options)

    fixed, best = _trained(config(epochs), folder / 'epochs')
    # What a checkpoint says is of its own epoch, the best one.
    pace = 60 * fixed['training']['minutes'] / fixed['training']['epochs']
    timed, _ = _trained(config(max(1, round(seconds / pace))), folder / 'seconds')
    found = analyze_model(config(epochs))
    return dict(
        config=f'configs/zoo/{name}.py',
        parameters=found['parameters']['total'],
        multiply_accumulates=found['multiply_accumulates']['total'],
        latency=found['latency'],
        epochs=fixed | dict(images_per_second=round(_images(config(epochs)) / pace, 1)),
        seconds=timed | dict(wanted=seconds),
        onnx=_onnx(config(epochs), best, folder / f'{name}.onnx'),
    )


def _trained(config: LoadedConfig, folder: Path) -> tuple[dict[str, Any], Path]:
    """Return the facts of a training and its test, and the best weights."""
    tested = folder / 'test'
    if not (tested / 'metrics.json').is_file():
        resume = '' if (folder / 'run').is_dir() else None
        run = train(config, str(folder / 'run'), resume=resume)
        test(config, str(run / 'best.pth'), str(tested), quick=True)
    metrics = read_json(tested / 'metrics.json')
    dice = np.array([[row['dice']] for row in read_rows(tested / 'per_image.csv')])
    drawn = resampled_sums(dice)[:, 0] / len(dice)
    interval = percentile_intervals(dict(Dice=drawn))['Dice']
    kept = ('Dice', 'num_images', 'image_size', 'border', 'threshold', 'training')
    facts = {key: metrics[key] for key in kept}
    return facts | dict(interval=interval), (folder / 'run' / 'latest' / 'best.pth').resolve()


def _images(config: LoadedConfig) -> int:
    """Return the number of images of an epoch; its seconds have the validation in them."""
    loader = config.resolved.train_dataloader
    return len(SeededDataset.build(loader['dataset']))


def _onnx(config: LoadedConfig, checkpoint: Path, path: Path) -> dict[str, Any]:
    """Return how an exported network differs, or why there is none."""
    try:
        _, parity = export(config, str(checkpoint), 'onnx', str(path))
    except (UserError, OutOfToleranceError) as error:
        return dict(refused=str(error))
    assert parity is not None
    return parity.as_dict()


if __name__ == '__main__':
    main()
