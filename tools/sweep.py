#!/usr/bin/env python
"""Train and test many configs: python tools/sweep.py configs/studies/loss --budget laptop --jobs 2

The same command again goes on where it was cut off: what is done is skipped.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('configs', nargs='+', help='configs, or folders of them')
    parser.add_argument(
        '--grid',
        nargs='+',
        default=[],
        metavar='KEY=V1,V2',
        help='values of the config to try, each with each',
    )
    parser.add_argument('--seeds', metavar='0,1,2', help="seeds to try (default: the config's)")
    parser.add_argument('--budget', help='laptop, full, or a config with the variables to set')
    parser.add_argument('--jobs', type=int, default=1, help='cells that run at a time (default: 1)')
    parser.add_argument('--work-dir', help='folder of the runs (default: work_dirs/studies)')
    parser.add_argument('--results', help='keep the results in this folder, a file per study')
    parser.add_argument('--dry-run', action='store_true', help='only list the cells')
    parser.add_argument(
        '--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='change all configs'
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.cli import user_errors  # after parsing: --help need not wait for torch

    with user_errors():
        from custom_modules.studies.sweep import build_sweep

        sweep = build_sweep(
            args.configs,
            args.grid,
            args.seeds,
            args.budget,
            args.work_dir,
            args.results,
            args.cfg_options,
        )
        if args.dry_run:
            print(sweep.describe())
            return
        raise SystemExit(sweep.run(args.jobs))


if __name__ == '__main__':
    main()
