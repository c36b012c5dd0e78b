#!/usr/bin/env python
"""Export a checkpoint: python tools/export.py CONFIG CHECKPOINT --format onnx

The folder of a published model, such as pretrained/NAME, takes the place of both. The file is
compared with PyTorch on real images; where it gives other masks, none is left.
"""

import argparse
import sys

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_model()
    parser.add_argument(
        '--format',
        default='onnx',
        help='onnx (default), openvino, torchscript, exported-program, or one of a module that the '
        'config imports',
    )
    precision = parser.add_mutually_exclusive_group()
    precision.add_argument('--int8', action='store_true', help='compute in int8 (onnx, openvino)')
    precision.add_argument(
        '--half', action='store_true', help='weights in float16, layers in 16 bits'
    )
    parser.add_argument(
        '--out',
        metavar='FILE',
        help='(default: beside the checkpoint; of a published model in work_dirs/<its name>)',
    )
    parser.add_argument(
        '--images',
        type=int,
        default=200,
        help='of the test split to compare on; 0 compares nothing (default: 200)',
    )
    parser.add_argument(
        '--tolerance',
        type=float,
        help='largest difference of the Dice (default: 0.0005; 0.005 with --int8 or --half)',
    )
    parser.add_cfg_options()
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.base.paths import short_path
        from custom_modules.commands.export import OutOfToleranceError, export
        from custom_modules.config import load_config
        from custom_modules.runs.named_model import named_model

        config, checkpoint, _ = named_model([w for w in (args.config, args.checkpoint) if w])
        try:
            path, parity = export(
                load_config(config, args.cfg_options),
                str(checkpoint),
                args.format,
                args.out,
                precision='int8' if args.int8 else 'fp16' if args.half else 'fp32',
                images=args.images,
                tolerance=args.tolerance,
            )
        except OutOfToleranceError as error:
            print(f'not exported: {error}', file=sys.stderr)
            raise SystemExit(1) from None
        print(parity.describe() if parity else 'not compared with PyTorch')
        print(f'{short_path(path)}: {path.stat().st_size / 1e6:,.1f} MB')


if __name__ == '__main__':
    main()
