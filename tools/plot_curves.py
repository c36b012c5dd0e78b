#!/usr/bin/env python
"""Draw the training curves of runs: python tools/plot_curves.py RUN [RUN ...] --out curves.png"""

import argparse
from pathlib import Path

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument(
        'runs',
        nargs='+',
        metavar='RUN',
        help="a run's folder, or the folder above for its latest; LABEL=RUN names it in the legend",
    )
    parser.add_argument('--out', required=True, help='picture to write: .png, .pdf or .svg')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.visualization.curves import find_runs, save_curves

        save_curves(find_runs(args.runs), Path(args.out))
        print(f'curves: {args.out}')


if __name__ == '__main__':
    main()
