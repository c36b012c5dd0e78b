#!/usr/bin/env python
"""Predict images and videos: python tools/predict.py MODEL photos/ --out DIR

MODEL is the folder of a published model, such as pretrained/NAME, or a config and its checkpoint.
"""

import argparse
import sys
from pathlib import Path

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__, usage='%(prog)s MODEL INPUT [INPUT ...] --out DIR [options]')
    parser.add_argument(
        'words',
        nargs='+',
        metavar='MODEL INPUT',
        help='MODEL: folder of a published model; or a config, followed by best.pth or last.pth of '
        'its run, or by an .onnx or .xml file of tools/export.py. INPUT, one or more: image or '
        "video, folder, pattern such as 'photos/*.jpg', or number of a camera",
    )
    parser.add_argument('--out', required=True, metavar='DIR', help='folder for the results')
    parser.add_argument(
        '--save',
        nargs='+',
        choices=('mask', 'overlay', 'cutout', 'probability'),
        default=['mask', 'overlay'],
        help='what to write beside summary.csv (default: mask overlay)',
    )
    parser.add_argument(
        '--overwrite', action='store_true', help='replace results that are in DIR already'
    )
    parser.add_argument(
        '--threshold',
        type=float,
        help='probability above which a pixel is foreground '
        "(default: the one stored beside the checkpoint, or else the config's)",
    )
    parser.add_argument('--batch-size', type=int, default=8, help='(default: 8)')
    parser.add_argument(
        '--window',
        type=int,
        metavar='PIXELS',
        help='look at large photographs in windows of this side (default: as the model was tested: '
        'in its windows if it was trained on patches, else at whole images)',
    )
    parser.add_argument(
        '--overlap',
        type=float,
        help="share of neighbouring windows (default: that of the model's test, or 0.25)",
    )
    parser.add_argument(
        '--frames', type=int, help='of each video (default: all) or camera (default: 300)'
    )
    parser.add_device()
    parser.add_cfg_options()
    return parser.parse_intermixed_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        import cv2

        from custom_modules.api import load
        from custom_modules.base.errors import UserError
        from custom_modules.commands.predict import predict_files
        from custom_modules.prediction.inputs import find_sources
        from custom_modules.prediction.outputs import SUMMARY, prepare_folder, result_folders
        from custom_modules.runs.environment import describe_device
        from custom_modules.runs.named_model import named_model

        # What cannot be read or written is said below; OpenCV's lines are about its own source.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        if args.frames is not None and args.frames < 1:
            raise UserError(f'--frames {args.frames}: give a number of frames, 1 or more')
        folder = Path(args.out)
        config, checkpoint, inputs = named_model(args.words)
        if not inputs:
            raise UserError(f'{checkpoint}: name images or videos after the model')
        sources = find_sources(inputs, leave_out=result_folders(folder))
        model = load(
            config,
            checkpoint,
            threshold=args.threshold,
            batch_size=args.batch_size,
            window=args.window,
            overlap=args.overlap,
            options=args.cfg_options,
        )
        prepare_folder(folder, args.overwrite)
        how = f'{describe_device()}, {model.network.description}'
        print(f'{len(sources):,} inputs, {model.seen}, threshold {model.threshold:g}; {how}')
        for note in model.notes:
            print(f'warning: {note}')
        failures = predict_files(model, sources, folder, args.save, args.frames)
        print(f'results: {folder}, {folder / SUMMARY}')
        if failures:
            what = 'input' if len(failures) == 1 else 'inputs'
            print(f'{len(failures):,} {what} could not be predicted:', file=sys.stderr)
            print('\n'.join(f'  {failure}' for failure in failures), file=sys.stderr)
            raise SystemExit(1)


if __name__ == '__main__':
    main()
