#!/usr/bin/env python
"""Write one HTML page about runs: python tools/report.py RUN [RUN ...]"""

import argparse

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_argument(
        'runs',
        nargs='*',
        metavar='RUN',
        help="a run's folder, the folder above for its latest, or an --out of tools/test.py; "
        'LABEL=RUN names it. Further runs are compared with the first',
    )
    parser.add_argument(
        '--results', action='store_true', help='a page for each run below results/ instead'
    )
    parser.add_argument(
        '--out',
        help="the page (default: report.html in the first run's folder); with --results the "
        'folder for the pages (default: work_dirs/reports)',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.base.errors import UserError
        from custom_modules.commands.report import report_results, report_runs

        if bool(args.runs) == args.results:
            raise UserError('name runs, or give --results')
        pages = report_results(args.out) if args.results else [report_runs(args.runs, args.out)]
        for page in pages:
            print(f'report: {page}')


if __name__ == '__main__':
    main()
