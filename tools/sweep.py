#!/usr/bin/env python
"""Train and test many configs: python tools/sweep.py configs/studies/loss --budget laptop --jobs 2

The same command again goes on where it was cut off: what is done is skipped.

Cross-validation: python tools/sweep.py CONFIG --folds 5

Search with Optuna: python tools/sweep.py CONFIG --search learning_rate=1e-5..1e-2:log --trials 20
"""

import argparse
import os
from pathlib import Path

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument('configs', nargs='+', help='configs, or folders of them')
    parser.add_argument(
        '--grid',
        nargs='+',
        default=[],
        metavar='KEY=V1,V2',
        help='values of the config to try, each with each',
    )
    parser.add_argument('--seeds', metavar='0,1,2', help="seeds to try (default: the config's)")
    parser.add_argument(
        '--folds',
        type=int,
        metavar='5',
        help='cross-validation: a training for each part of train and val, which it leaves out',
    )
    parser.add_argument('--budget', help='laptop, full, or a config with the variables to set')
    parser.add_argument(
        '--jobs', type=int, default=1, help='experiments that run at a time (default: 1)'
    )
    parser.add_argument('--work-dir', help='folder of the runs (default: work_dirs/studies)')
    parser.add_argument('--results', help='keep the results in this folder, a file per study')
    parser.add_argument(
        '--executor',
        choices=('local', 'ray', 'slurm'),
        default='local',
        help='where the experiments run: this machine, a Ray cluster, an array of Slurm jobs',
    )
    parser.add_argument(
        '--cores',
        type=int,
        default=1,
        help='cores of each experiment with ray and slurm (default: 1)',
    )
    parser.add_argument(
        '--sbatch',
        nargs='+',
        default=[],
        metavar='KEY=VALUE',
        help='settings of the Slurm jobs: partition=gpu gres=gpu:1 time=4:00:00',
    )
    parser.add_argument('--only', type=int, metavar='INDEX', help='run one experiment of --dry-run')
    parser.add_argument(
        '--search',
        nargs='+',
        metavar='KEY=LOW..HIGH',
        help='let Optuna choose values: LOW..HIGH, LOW..HIGH:log or A,B,C',
    )
    parser.add_argument('--trials', type=int, default=20, help='of a search (default: 20)')
    parser.add_argument('--dry-run', action='store_true', help='only list the experiments')
    parser.add_device()
    parser.add_cfg_options('change all configs')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors(needs_output=False):
        from custom_modules.base.errors import UserError
        from custom_modules.commands.sweep import build_search, build_sweep

        if args.folds is not None and (args.search or args.results):
            other = '--search' if args.search else '--results'
            raise UserError(
                f'--folds does not go with {other}; it goes with --grid and --seeds, of each point '
                'a cross-validation'
            )
        if args.search:
            if args.grid or args.seeds or args.executor != 'local' or args.results or args.dry_run:
                raise UserError('--search goes with a config, --trials, --jobs and --budget alone')
            search = build_search(
                args.configs, args.search, args.budget, args.work_dir, args.cfg_options
            )
            raise SystemExit(search.run(args.trials, args.jobs))
        points = (args.grid, args.seeds, args.budget, args.work_dir)
        if args.folds is None:
            sweep = build_sweep(args.configs, *points, args.results, args.cfg_options)
        else:
            from custom_modules.commands.cross_validation import build_fold_sweep

            sweep = build_fold_sweep(args.configs, args.folds, *points, args.cfg_options)
        if args.dry_run:
            print(sweep.describe())
        elif args.only is not None:
            raise SystemExit(sweep.run_only(args.only))
        elif args.executor == 'slurm':
            print(sweep.submit(same_sweep(args), args.jobs, args.cores, args.sbatch))
        else:
            raise SystemExit(sweep.run(args.jobs, args.executor, args.cores))


def same_sweep(args: argparse.Namespace) -> list[str]:
    """Return the arguments of the sweep itself, for a job that starts in another folder."""
    from custom_modules.base.paths import resolve_path
    from custom_modules.studies.experiments import find_budget

    words = [str(resolve_path(config)) for config in args.configs]
    for name in ('grid', 'cfg_options'):
        values = getattr(args, name)
        words += [f'--{name.replace("_", "-")}', *values] if values else []
    words += ['--seeds', args.seeds] if args.seeds else []
    words += ['--folds', str(args.folds)] if args.folds else []
    words += ['--budget', str(find_budget(args.budget))] if args.budget else []
    words += ['--device', os.environ['PETSEG_DEVICE']] if 'PETSEG_DEVICE' in os.environ else []
    for name in ('work_dir', 'results'):
        value = getattr(args, name)
        words += [f'--{name.replace("_", "-")}', str(Path(value).resolve())] if value else []
    return words


if __name__ == '__main__':
    main()
