#!/usr/bin/env python
"""Show what the network will see: python tools/browse_dataset.py CONFIG --out sheet.png"""

import argparse
from pathlib import Path

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_config()
    parser.add_argument(
        '--out', required=True, help='picture (.png, .pdf, .svg) or page (.html) to write'
    )
    parser.add_argument('--split', choices=('train', 'val', 'test'), default='train')
    parser.add_argument('--number', type=int, default=24, help='of images (default: 24)')
    parser.add_argument(
        '--epoch', type=int, default=1, help='whose augmentation to show (default: 1)'
    )
    parser.add_cfg_options()
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.commands.browse_dataset import browse
        from custom_modules.config import load_config

        config = load_config(args.config, args.cfg_options)
        surveys = browse(config, Path(args.out), args.split, args.number, args.epoch)
        for data in surveys:
            print('\n'.join(data.lines()))
        print(f'written: {args.out}')


if __name__ == '__main__':
    main()
