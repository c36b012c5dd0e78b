#!/usr/bin/env python
"""Find the learning rate for a config: python tools/find_learning_rate.py configs/unet_pet.py"""

import argparse
from pathlib import Path

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_config()
    parser.add_argument('--out', type=Path, help='picture of the curve (.png, .pdf, .svg)')
    parser.add_argument('--steps', type=int, default=100, help='rates to try (default: 100)')
    parser.add_argument('--lowest', type=float, default=1e-7, help='first rate (default: 1e-7)')
    parser.add_argument('--highest', type=float, default=1.0, help='last rate (default: 1)')
    parser.add_device()
    parser.add_cfg_options()
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.base.device import device_of
        from custom_modules.commands.find_learning_rate import find_learning_rate, format_rate
        from custom_modules.config import load_config
        from custom_modules.config.line import config_line
        from custom_modules.runs.environment import describe_device

        config = load_config(args.config, args.cfg_options)
        device_of(config.resolved)
        print(describe_device(), flush=True)
        test = find_learning_rate(config, args.out, args.steps, args.lowest, args.highest)
        lowest = test.rates[test.lowest()]
        print(
            f'lowest loss at {format_rate(lowest)}, a tenth of that is {format_rate(lowest / 10)}; '
            'steepest fall of the loss at the rate for the config:'
        )
        rate = format_rate(test.rates[test.steepest()])
        print(config_line(config, 'optim_wrapper.optimizer.lr', rate))
        if args.out:
            print(f'curve: {args.out}')


if __name__ == '__main__':
    main()
