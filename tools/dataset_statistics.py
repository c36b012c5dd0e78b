#!/usr/bin/env python
"""Print mean and std of a config's training images, as lines for that config."""

import argparse

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_config('for example configs/reports/r3_unet.py')
    parser.add_cfg_options('values of the config')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors

    with user_errors():
        from custom_modules.config import load_config
        from custom_modules.config.held_datasets import changed, described
        from custom_modules.datasets.seeded_dataset import SeededDataset
        from custom_modules.datasets.statistics import channel_statistics

        config = load_config(args.config, args.cfg_options)
        settings = config.resolved.train_dataloader['dataset']
        dataset = SeededDataset.build(changed(settings, pipeline=[], n_aug=0, cache=False))
        mean, std = (
            [round(float(value), 2) for value in values] for values in channel_statistics(dataset)
        )
        where = described(settings, 'data_root') or described(settings, 'type')
        channels = 'RGB' if len(mean) == 3 else f'channels: {len(mean)}'
        print(f'{len(dataset):,} images of {where}, {channels}')
        print(f'preprocessor = dict(\n    mean={mean},\n    std={std},\n)')


if __name__ == '__main__':
    main()
