"""Exported files against PyTorch on real test images, for every format.

python -m benchmarks.export CONFIG CHECKPOINT [--images 500]
"""

import argparse
import tempfile
from pathlib import Path

from custom_modules.commands.export import export
from custom_modules.config import load_config
from custom_modules.export.formats import FORMATS

from .turns import write

#: Format and precision of each row.
KINDS = [
    *((name, 'fp32') for name in FORMATS),
    *((name, precision) for name in ('onnx', 'openvino') for precision in ('fp16', 'int8')),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--images', type=int, default=500)
    args = parser.parse_args()
    config = load_config(args.config)
    rows: dict[str, dict[str, float]] = {}
    for name, precision in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            _, parity = export(
                config,
                args.checkpoint,
                name,
                str(Path(folder, f'model{FORMATS[name].suffix}')),
                precision=precision,
                images=args.images,
                tolerance=1,  # all rows are wanted
            )
            size = sum(file.stat().st_size for file in Path(folder).iterdir())
        assert parity is not None
        dice = parity.dice
        rows[f'{name}, {precision}'] = {
            'difference of the Dice': round(parity.dice_difference, 6),
            '% of pixels that flip': round(100 * parity.flipped, 4),
            'largest difference of a probability': float(f'{parity.probability:.2g}'),
            'MB': round(size / 1e6, 1),
        }
        print(f'{name}, {precision}: {parity.describe()}', flush=True)
    protocol = (
        f'files of {args.config} against PyTorch in float32, {args.images} test images at the size '
        f'of the recipe (Dice {dice:.4f})'
    )
    write('export', dict(protocol=protocol, rows=rows))


if __name__ == '__main__':
    main()
