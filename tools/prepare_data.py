#!/usr/bin/env python
"""Put Oxford-IIIT Pet, or a synthetic data set of its kind, on the disk and check all of it."""

import argparse
from pathlib import Path

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        '--download', action='store_true', help='fetch the official archives (800 MB) and unpack'
    )
    source.add_argument('--archives', metavar='DIR', help='unpack the two archives in this folder')
    source.add_argument('--sample', action='store_true', help='draw a small sample data set')
    parser.add_argument(
        '--root', help='folder of the data set (default: data/oxford-iiit-pet, or data/sample)'
    )
    parser.add_argument('--url', help='fetch the archives from this address instead')
    parser.add_argument('--check', action='store_true', help='only check what is there')
    args = parser.parse_args()
    if not (args.download or args.archives or args.sample or args.check):
        parser.error('say what to do: --download, --archives DIR, --sample or --check')
    if args.url and not args.download:
        parser.error('--url goes with --download')
    return args


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.base.paths import resolve_path
        from custom_modules.commands import prepare_data as preparation

        root = resolve_path(args.root or f'data/{"sample" if args.sample else "oxford-iiit-pet"}')
        if args.download:
            preparation.download_archives(root, args.url)
        elif args.archives:
            preparation.unpack_archives(root, Path(args.archives))
        elif args.sample:
            preparation.draw(root)
        preparation.check(root)


if __name__ == '__main__':
    main()
