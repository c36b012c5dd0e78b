#!/usr/bin/env python
"""Draw the masks of several systems side by side:
python tools/compare_masks.py CONFIG NAME=FOLDER [NAME=FOLDER ...] --out figure.png
"""

import argparse
from pathlib import Path

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_config('config file that names the test data')
    parser.add_argument(
        'systems',
        nargs='+',
        metavar='NAME=FOLDER',
        help='a row: its name, and a folder that tools/test.py wrote with --out',
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument('--ids', nargs='+', default=[], metavar='ID', help='images to show')
    choice.add_argument(
        '--number',
        type=int,
        default=6,
        help='images to choose at equal steps from the lowest to the highest Dice (default: 6)',
    )
    parser.add_argument('--out', required=True, help='picture to write: .png, .pdf or .svg')
    parser.add_cfg_options('change the config, as in the test, such as border=ignore')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.config import load_config
        from custom_modules.visualization.comparison_figure import compare_masks, find_systems

        config = load_config(args.config, args.cfg_options)
        systems = find_systems(args.systems)
        ids = compare_masks(config.resolved, systems, Path(args.out), args.ids, args.number)
        print(f'figure: {args.out} ({", ".join(ids)})')


if __name__ == '__main__':
    main()
