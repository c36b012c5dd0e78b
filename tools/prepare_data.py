#!/usr/bin/env python
"""Get a data set ready: yours (--from FOLDER), Oxford-IIIT Pet, or a synthetic one.

python tools/prepare_data.py --from FOLDER looks at a folder of images and masks as it is, says what
it found and writes configs/mine/NAME.py, which trains, with the splits beside it (NAME.csv), and a
page of twenty pairs. What can be read in two ways is a question with the options that answer it.
"""

import argparse
from pathlib import Path

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser

#: What only goes with --from.
OF_FOLDERS = (
    *('name', 'images', 'masks', 'foreground', 'ignore', 'threshold', 'resize_masks', 'group_by'),
    *('channels', 'plane', 'fractions', 'split_seed', 'overwrite', 'plan'),
)


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    source = parser.add_mutually_exclusive_group()
    source.add_argument('--from', dest='folder', metavar='FOLDER', help='your images and masks')
    source.add_argument(
        '--download', action='store_true', help='fetch the official archives (800 MB) and unpack'
    )
    source.add_argument('--archives', metavar='DIR', help='unpack the two archives in this folder')
    source.add_argument('--sample', action='store_true', help='draw a small sample data set')
    parser.add_argument(
        '--root',
        help='folder of the data set, or of what is made of yours (default: data/mine, '
        'data/oxford-iiit-pet or data/sample)',
    )
    parser.add_argument('--url', help='fetch the archives from this address instead')
    parser.add_argument(
        '--check',
        nargs='?',
        const=True,
        metavar='CONFIG',
        help='only check what is there: all images and masks of a config, or of --root',
    )
    add_answers(parser)
    args = parser.parse_args()
    if not (args.folder or args.download or args.archives or args.sample or args.check):
        parser.error(
            'say what to do: --from FOLDER, --download, --archives DIR, --sample or --check'
        )
    if args.url and not args.download:
        parser.error('--url goes with --download')
    given = [name for name in OF_FOLDERS if getattr(args, name)]
    if given and not args.folder:
        parser.error(f'--{given[0].replace("_", "-")} goes with --from')
    return args


def add_answers(parser: Parser) -> None:
    """Add what is said about a folder, where it is not found or not as wanted."""
    own = parser.add_argument_group('with --from')
    own.add_argument('--name', help="name of the data set and its config (default: the folder's)")
    own.add_argument('--images', metavar='PATTERN', help="images: a folder, or '*_img.tif'")
    own.add_argument('--masks', metavar='PATTERN', help="masks: a folder, or '*_mask.png'")
    own.add_argument(
        '--foreground',
        nargs='+',
        action='extend',
        default=[],
        metavar='WHAT',
        help="what is foreground: values (1 2), colours ('#ff0000') or categories (leaf)",
    )
    own.add_argument(
        '--ignore',
        nargs='+',
        action='extend',
        default=[],
        metavar='WHAT',
        help='what does not count, written in the same way',
    )
    own.add_argument('--threshold', type=int, help='grey level above which is foreground')
    own.add_argument(
        '--resize-masks', action='store_true', help="bring masks to their images' sizes"
    )
    own.add_argument(
        '--group-by',
        metavar='REGEX',
        help="images with an equal match in their names stay in one split: '^patient[0-9]+'",
    )
    own.add_argument(
        '--channels', type=int, metavar='N', help='channels that the network sees, of more'
    )
    own.add_argument(
        '--plane',
        choices=['axial', 'coronal', 'sagittal'],
        help='slices of volumes (default: those that are farthest from each other)',
    )
    own.add_argument(
        '--fractions', type=float, nargs=3, metavar=('TRAIN', 'VAL', 'TEST'), help='0.8 0.1 0.1'
    )
    own.add_argument('--split-seed', type=int, help='seed of splits that are cut (default: 0)')
    own.add_argument('--overwrite', action='store_true', help='replace a data set of that name')
    own.add_argument(
        '--plan', action='store_true', help='only print what data and machine decide, and why'
    )


def prepare_own(args: argparse.Namespace) -> None:
    from custom_modules.base.paths import resolve_path
    from custom_modules.commands.prepare_folder import place_of, prepare_folder
    from custom_modules.preparation.answers import Answers
    from custom_modules.preparation.looking import Cut

    answers = Answers(
        images=args.images,
        masks=args.masks,
        foreground=tuple(args.foreground),
        ignore=tuple(args.ignore),
        threshold=args.threshold,
        resize_masks=args.resize_masks,
        group_by=args.group_by,
        channels=args.channels,
        plane=args.plane,
    )
    cut = Cut(tuple(args.fractions or Cut.fractions), args.split_seed or 0)
    place = place_of(Path(args.folder), resolve_path(args.root or 'data/mine'), args.name)
    prepare_folder(Path(args.folder), place, answers, cut, args.overwrite, args.plan)


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        if args.folder or isinstance(args.check, str):
            from custom_modules.engine.memory import give_back_freed_memory

            give_back_freed_memory()
        if args.folder:
            prepare_own(args)
            return
        if isinstance(args.check, str):
            from custom_modules.commands.check_data import check_data
            from custom_modules.config import load_config

            check_data(load_config(args.check))
            return
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
