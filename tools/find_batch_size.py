#!/usr/bin/env python
"""Find the batch size for a config: python tools/find_batch_size.py configs/unet_pet.py"""

import argparse

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_config()
    parser.add_argument(
        '--largest', type=int, help='batch size to try (default: the images of the training split)'
    )
    parser.add_argument(
        '--memory-share',
        type=float,
        default=0.8,
        help='share of the available memory that a training may take (default: 0.8)',
    )
    parser.add_device()
    parser.add_cfg_options()
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.base.device import device_of
        from custom_modules.commands.find_batch_size import choose, find_batch_size, gibibytes
        from custom_modules.config import load_config
        from custom_modules.config.line import config_line
        from custom_modules.runs.environment import describe_device

        config = load_config(args.config, args.cfg_options)
        device_of(config.resolved)
        done = []
        search = find_batch_size(config, args.largest, args.memory_share)
        print(f'{describe_device()}; a training may take {gibibytes(search.limit)}')
        print(f'{search.images:,} images to train\n')
        print('batch size    images/s      memory')
        for row in search.measurements:
            measured = f'{row.images_per_second:10.2f}  {gibibytes(row.memory):>10}'
            print(f'{row.size:10}  {row.failure or measured}', flush=True)
            done.append(row)
        fits, fast = choose(done)
        print(f'\nlargest that fits: {fits}; the smallest within 5 % of the best throughput:')
        print(config_line(config, 'train_dataloader.batch_size', str(fast)))
        print(
            'A batch size is part of the recipe: find the learning rate anew '
            '(tools/find_learning_rate.py).'
        )


if __name__ == '__main__':
    main()
