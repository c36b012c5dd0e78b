#!/usr/bin/env python
"""Rank labels that a net which did not train on them contradicts: tools/audit_labels.py RUN"""

import argparse

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument(
        'run',
        metavar='RUN|SWEEP',
        help="a run's folder, the folder above for its latest, or the folder of a sweep, such as "
        'one of --folds, whose runs judge the images that they did not train on',
    )
    parser.add_argument(
        '--split',
        nargs='+',
        choices=('train', 'val', 'test'),
        default=['val', 'test'],
        help='splits whose labels are judged (default: val test)',
    )
    parser.add_argument(
        '--number', type=int, default=50, help='labels on the page and in the list (default: 50)'
    )
    parser.add_argument(
        '--out', help='folder for audit.html, suspects.txt and audit.csv (default: RUN/audit)'
    )
    parser.add_argument(
        '--own-parts',
        action='store_true',
        help="execute the run's config.py, for parts of your own; else it is read as data",
    )
    parser.add_device()
    parser.add_cfg_options('change the config, such as data_root')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.commands.audit_labels import LIST, PAGE, audit_labels

        result = audit_labels(
            args.run, args.out, args.split, args.number, args.cfg_options, args.own_parts
        )
        for one in result.findings[: min(10, args.number)]:
            verdict = one.verdict
            print(f'{verdict.suspicion:6.1f}  {one.image.name}  {verdict.kind}: {one.reason}')
        left_out = f'; {result.learned:,} that were trained on left out' if result.learned else ''
        print(f'{len(result.findings):,} labels judged, networks: {result.networks}{left_out}')
        print(f'page: {result.folder / PAGE}')
        print(f'list: {result.folder / LIST}')


if __name__ == '__main__':
    main()
