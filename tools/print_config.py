#!/usr/bin/env python
"""Print a config with all it inherits, and where each value comes from:
python tools/print_config.py CONFIG > mine.py
"""

import argparse
import sys
from contextlib import redirect_stdout

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_config('config file, or folder of a published model')
    parser.add_cfg_options()
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.commands.print_config import annotated
        from custom_modules.config import load_config

        with redirect_stdout(sys.stderr):  # what a config prints itself is none of its text
            config = load_config(args.config, args.cfg_options)
        print(annotated(config), end='')


if __name__ == '__main__':
    main()
