"""The data loader alone: images per second from JPEG and from the cache, for each recipe.

python -m benchmarks.loader [--size 128] [--workers 2] [--images 1024] [--rounds 3]
"""

import argparse
import statistics
import time

from mmengine.registry import DATASETS

from custom_modules.config import load_config
from custom_modules.engine import PetSegRunner

from .turns import write

CONFIGS = ['configs/unet_pet.py', *(f'configs/reports/r{n}_unet.py' for n in range(5))]


def pace(config: str, options: list[str]) -> float | None:
    """Return images per second of one epoch, or None where the recipe cannot be cached."""
    settings = load_config(config, options).resolved.train_dataloader
    dataset = DATASETS.build(settings['dataset'])
    if settings['dataset']['cache'] and dataset.cache is None:
        return None
    loader = PetSegRunner.build_dataloader({**settings, 'dataset': dataset}, seed=0)
    batches = iter(loader)
    next(batches)  # the workers have started
    start = time.perf_counter()
    number = sum(1 for _ in batches)
    return number * settings['batch_size'] / (time.perf_counter() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--size', type=int, default=128)
    parser.add_argument('--workers', type=int, default=2)
    parser.add_argument('--images', type=int, default=1024)
    parser.add_argument('--rounds', type=int, default=3)
    args = parser.parse_args()
    options = [f'image_size={args.size}', f'num_workers={args.workers}', 'batch_size=16']
    options += [f'train_dataloader.dataset.indices={args.images}']
    paces: dict[str, dict[str, list[float] | None]] = {}
    for config in CONFIGS:
        paces[config] = {}
        for source, cache in (('JPEG', 'False'), ('cache', 'True')):
            found = [pace(config, [*options, f'cache={cache}']) for _ in range(args.rounds)]
            paces[config][source] = [v for v in found if v] or None
    rows = {
        config: {k: v and round(statistics.median(v), 1) for k, v in sources.items()}
        for config, sources in paces.items()
    }
    print(f'{"images/s":32} {"JPEG":>8} {"cache":>8}')
    for config, row in rows.items():
        cells = ' '.join(f'{value or "":>8}' for value in row.values())
        print(f'{config:32} {cells}')
    protocol = (
        f'an epoch of {args.images} real images (x2 for R2), {args.size}x{args.size}, batch 16, '
        f'{args.workers} workers, nothing else running; median of {args.rounds}'
    )
    write('loader', dict(protocol=protocol, rows=rows))


if __name__ == '__main__':
    main()
