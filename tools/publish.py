#!/usr/bin/env python
"""Publish a trained model: python tools/publish.py CONFIG CHECKPOINT FOLDER

The folder gets weights (safetensors), an ONNX file, config, metrics, examples and a model card.
"""

import argparse
import sys
from pathlib import Path

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_config()
    parser.add_argument('checkpoint', help='best.pth of a run that was tested')
    parser.add_argument('folder', help='to write')
    parser.add_argument(
        '--metrics',
        nargs='+',
        default=[],
        help='metrics.json of a test (default: beside the checkpoint); more for other resolutions',
    )
    parser.add_argument(
        '--images',
        type=int,
        default=200,
        help='of the test split to compare what is written on (default: 200)',
    )
    parser.add_argument(
        '--small',
        action='store_true',
        help='weights in 16 bits and no ONNX file: a quarter of the size',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace a published model')
    parser.add_cfg_options()
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.commands.export import OutOfToleranceError
        from custom_modules.commands.publish import publish
        from custom_modules.config import load_config

        try:
            files = publish(
                load_config(args.config, args.cfg_options),
                args.checkpoint,
                Path(args.folder),
                metrics=[Path(one) for one in args.metrics],
                images=args.images,
                small=args.small,
                overwrite=args.overwrite,
            )
        except OutOfToleranceError as error:
            print(f'not published: {error}', file=sys.stderr)
            raise SystemExit(1) from None
        for file in files:
            print(f'{file}: {file.stat().st_size:,} bytes')


if __name__ == '__main__':
    main()
