#!/usr/bin/env python
"""Say what the network of a config is and costs:
python tools/analyze_model.py configs/unet_pet.py
"""

import argparse
from pathlib import Path

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_config('config file, or folder of a published model')
    parser.add_argument(
        '--out', type=Path, metavar='DIR', help='folder for analysis.json and pyramid.png'
    )
    parser.add_device()
    parser.add_cfg_options('change the config, such as width=0.5 image_size=128')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.commands.analyze_model import analyze_model, describe
        from custom_modules.config import load_config

        config = load_config(args.config, args.cfg_options)
        print(describe(analyze_model(config, args.out)))
        if args.out:
            print(f'\nrecord and picture: {args.out}')


if __name__ == '__main__':
    main()
