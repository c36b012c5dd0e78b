#!/usr/bin/env python
"""Score a checkpoint on the test split: python tools/test.py CONFIG CHECKPOINT

The folder of a published model, such as pretrained/NAME, takes the place of both.
"""

import argparse
from pathlib import Path

import _start  # noqa: F401  (the project's folder, signals, standard streams)
from _parser import Parser


def parse_args() -> argparse.Namespace:
    parser = Parser(__doc__)
    parser.add_model()
    parser.add_argument(
        '--out',
        help='folder for metrics and masks (default: metrics beside the checkpoint; of a published '
        'model both in work_dirs/<its name>)',
    )
    parser.add_argument(
        '--probabilities',
        action='store_true',
        help='with --out: keep the probabilities of the foreground too, as PNG of 8 bits',
    )
    parser.add_device()
    parser.add_cfg_options('change the config, such as border=ignore resolution=original')
    parser.add_argument(
        '--quick',
        action='store_true',
        help='only Dice and its companions: no boundaries, calibration, validation images, latency',
    )
    parser.add_argument(
        '--tta',
        nargs='*',
        type=float,
        metavar='SCALE',
        help='average over the mirrored image too, at each scale (default: 1), such as 0.75 1 1.25',
    )
    parser.add_argument(
        '--tune-threshold',
        action='store_true',
        help='choose the threshold on the validation images and keep it beside the checkpoint, '
        'as best.threshold.json, where later tests find it',
    )
    parser.add_argument(
        '--report',
        action='store_true',
        help='also write report.html, a page with metrics, curves and pictures, as tools/report.py',
    )
    parser.add_launcher()
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    from custom_modules.commands.cli import user_errors  # not before: --help need not wait

    with user_errors():
        from custom_modules.commands.test import describe, test
        from custom_modules.config import load_config
        from custom_modules.runs.named_model import is_published, named_model, results_folder

        path, checkpoint, _ = named_model([word for word in (args.config, args.checkpoint) if word])
        config = load_config(path, args.cfg_options)
        folder = Path(args.out) if args.out else results_folder(checkpoint)
        out = str(folder) if args.out or is_published(path) else None
        result = test(
            config,
            str(checkpoint),
            out,
            args.launcher,
            probabilities=args.probabilities,
            quick=args.quick,
            tta=None if args.tta is None else args.tta or [1.0],
            tune=args.tune_threshold,
            # A threshold that the command line gives is meant.
            use_tuned=not any(option.startswith('model.threshold=') for option in args.cfg_options),
        )
        if result is not None:
            print(describe(result))
            print(f'metrics: {folder / "metrics.json"}, {folder / "per_image.csv"}')
            if out:
                print(f'pictures: {folder / "examples.png"}, {folder / "masks"}')
            if args.report:
                from custom_modules.commands.report import report_runs

                print(f'page: {report_runs([str(folder)])}')


if __name__ == '__main__':
    main()
