#!/usr/bin/env python
"""Train the model of a config: python tools/train.py configs/unet_pet.py"""

import argparse

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_config()
    parser.add_argument('--work-dir', help='folder of the runs (default: work_dirs/<config name>)')
    parser.add_argument(
        '--resume',
        nargs='?',
        const='',
        metavar='RUN',
        help='go on with the newest run of this config, or with the folder of a run',
    )
    parser.add_argument(
        '--allow-changes',
        action='store_true',
        help='resume although the network or the data are not those of the run',
    )
    parser.add_argument(
        '--amp', action='store_true', help='half precision where the hardware is fast at it'
    )
    parser.add_device()
    parser.add_cfg_options('change the config, such as batch_size=8 model.threshold=0.4')
    parser.add_launcher()
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors(needs_output=False):
        from custom_modules.commands.train import train
        from custom_modules.config import load_config

        options = [*args.cfg_options, *(['precision=auto'] if args.amp else [])]
        config = load_config(args.config, options)
        run = train(config, args.work_dir, args.resume, args.launcher, args.allow_changes)
        if args.launcher == 'none':
            print(f'done: {run}')


if __name__ == '__main__':
    main()
