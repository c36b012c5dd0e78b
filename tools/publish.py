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
    parser.add_argument(
        'checkpoint',
        help='best.pth of a run that was tested, or the folder of a cross-validation '
        '(sweep.py --folds), whose networks become one model',
    )
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
    parser.add_argument(
        '--tune-threshold',
        action='store_true',
        help='of a cross-validation: the threshold with the best out-of-fold Dice',
    )
    parser.add_argument('--overwrite', action='store_true', help='replace a published model')
    parser.add_cfg_options()
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.base.errors import UserError
        from custom_modules.base.paths import resolve_path
        from custom_modules.commands.export import OutOfToleranceError
        from custom_modules.commands.publish import publish
        from custom_modules.commands.publish_ensemble import publish_ensemble
        from custom_modules.config import load_config
        from custom_modules.runs.cross_validation import is_cross_validation

        config, folder = load_config(args.config, args.cfg_options), Path(args.folder)
        settings = dict(
            metrics=[Path(one) for one in args.metrics],
            images=args.images,
            small=args.small,
            overwrite=args.overwrite,
        )
        source = resolve_path(args.checkpoint)
        try:
            if is_cross_validation(source):
                files = publish_ensemble(
                    config, source, folder, tuned=args.tune_threshold, **settings
                )
            elif args.tune_threshold:
                raise UserError(
                    '--tune-threshold: is for a cross-validation; of a single run tune it with '
                    'tools/test.py --tune-threshold'
                )
            else:
                files = publish(config, args.checkpoint, folder, **settings)
        except OutOfToleranceError as error:
            print(f'not published: {error}', file=sys.stderr)
            raise SystemExit(1) from None
        for file in files:
            print(f'{file}: {file.stat().st_size:,} bytes')


if __name__ == '__main__':
    main()
