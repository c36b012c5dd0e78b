#!/usr/bin/env python
"""Compare tested runs with the first of them: python tools/compare.py RUN RUN [RUN ...]"""

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
        help="a run's folder, the folder above for its latest, or an --out of tools/test.py; "
        'LABEL=RUN names it',
    )
    parser.add_argument(
        '--top', type=int, default=5, help='images to name each way, that changed most (default: 5)'
    )
    parser.add_argument('--out', help='JSON file for all of it, with every image')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.base.errors import UserError
        from custom_modules.base.json_file import write_json
        from custom_modules.base.paths import make_writable
        from custom_modules.runs.comparison import as_dict, compare, describe
        from custom_modules.runs.scored_run import find_scored

        if len(args.runs) < 2:
            raise UserError(f'{args.runs[0]}: one run alone; name two or more')
        first, *others = find_scored(args.runs)
        comparisons = [compare(first, other) for other in others]
        print('\n\n'.join(describe(comparison, args.top) for comparison in comparisons))
        if args.out:
            make_writable(Path(args.out).resolve().parent, '--out')
            write_json(Path(args.out), [as_dict(c) for c in comparisons])
            print(f'comparison: {args.out}')


if __name__ == '__main__':
    main()
