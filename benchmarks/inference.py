"""Inference on a CPU: how a trained network is fastest, and which ways keep its masks.

python -m benchmarks.inference CONFIG CHECKPOINT [--side 256] [--images 500] [--name inference]

Every way is a process of its own: it exports or prepares the network, compares it with PyTorch's
eager float32 on real test images at the recipe's size, and is timed on images of --side in memory.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.config import Config
from mmengine.registry import MODELS

from custom_modules.commands.export import CALIBRATION_IMAGES
from custom_modules.config import load_config
from custom_modules.engine.memory import keep_freed_memory
from custom_modules.engine.memory_use import peak_memory
from custom_modules.export.exportable_model import ExportableModel
from custom_modules.export.formats import FORMATS
from custom_modules.export.onnx_files import Logits
from custom_modules.export.parity import compare
from custom_modules.export.real_batches import real_batches
from custom_modules.models.cost import seconds_of
from custom_modules.models.folding import fold_batch_norm
from custom_modules.models.precision import autocast
from custom_modules.runs.checkpoint_io import load_checkpoint, load_weights

from .turns import write

EAGER = 'PyTorch, eager, fp32'


def eager(network: ExportableModel, dtype: torch.dtype = torch.float32) -> Logits:
    """Return the network as it is, under autocast for other types than float32."""

    @torch.inference_mode()
    def logits(images: np.ndarray) -> np.ndarray:
        with autocast(dtype, 'cpu'):
            return network(torch.from_numpy(images)).numpy()

    return logits


def channels_last(network: ExportableModel) -> ExportableModel:
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def folded(network: ExportableModel, dtype: torch.dtype = torch.float32) -> Logits:
    """Return the network with BatchNorm in the convolutions and channels last."""
    fold_batch_norm(network)
    return eager(channels_last(network), dtype)


def compiled(network: ExportableModel) -> Logits:
    """Return the folded network through torch.compile."""
    fold_batch_norm(network)
    function = torch.compile(channels_last(network), dynamic=False)

    @torch.inference_mode()
    def logits(images: np.ndarray) -> np.ndarray:
        return function(torch.from_numpy(images)).numpy()

    return logits


def exported(name: str, precision: str, network: ExportableModel, config: Config) -> Logits:
    """Return the network in a format, read back from its file."""
    calibration = (batch for batch, _ in real_batches(config, 'train', CALIBRATION_IMAGES))
    kind = FORMATS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f'model{kind.suffix}')
        converted = kind.convert(network, calibration if precision == 'int8' else None)
        kind.save(converted, path, dict(precision=precision))
        return kind.read(path)


#: ``tools/predict.py`` folds, with channels_last, in bf16, or runs a published model in OpenVINO.
WAYS: dict[str, Callable[[ExportableModel, Config], Logits]] = {
    EAGER: lambda network, _: eager(network),
    'the same, freed memory kept': lambda network, _: eager(network),
    'the same, bf16': lambda network, _: eager(network, torch.bfloat16),
    'BatchNorm folded, channels_last': lambda network, _: folded(network),
    'BatchNorm folded, channels_last, bf16': lambda network, _: folded(network, torch.bfloat16),
    'BatchNorm folded, channels_last, compiled': lambda network, _: compiled(network),
    'ONNX Runtime, fp32': partial(exported, 'onnx', 'fp32'),
    'ONNX Runtime, int8': partial(exported, 'onnx', 'int8'),
    'OpenVINO, fp32': partial(exported, 'openvino', 'fp32'),
    # A network in float32, for which OpenVINO may take what the processor is good at.
    'OpenVINO, bf16': partial(exported, 'openvino', 'fp16'),
    'OpenVINO, int8': partial(exported, 'openvino', 'int8'),
}


def turn(way: str, args: argparse.Namespace) -> dict[str, Any]:
    """Measure one way in this process."""
    config = load_config(args.config).resolved
    model = MODELS.build(config.model)
    load_weights(model, load_checkpoint(args.checkpoint), args.checkpoint)
    network = ExportableModel(model)
    if way != EAGER:
        keep_freed_memory()
    logits = WAYS[way](ExportableModel(model), config)
    found: dict[str, Any] = {}
    for batch, steps in ((1, 12), (32, 2)):
        images = np.random.default_rng(0).integers(
            0, 256, (batch, 3, args.side, args.side), dtype=np.uint8
        )
        logits(images)
        step = partial(logits, images)
        seconds = [seconds_of(step, steps) / steps for _ in range(args.rounds)]
        found[f'batch {batch}'] = float(np.median(seconds))
    found['memory'] = (peak_memory() or 0) // 2**20
    if args.images:
        batches = real_batches(config, 'test', args.images)
        threshold = config.model['threshold']
        found |= compare(network, logits, batches, threshold, 'test').as_dict()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config')
    parser.add_argument('checkpoint')
    parser.add_argument('--side', type=int, default=256)
    parser.add_argument('--images', type=int, default=500)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--name', default='inference', help='of the JSON file')
    parser.add_argument('--turn', choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.turn:
        warnings.simplefilter('ignore')
        print(json.dumps(turn(args.turn, args)))
        return
    rows: dict[str, dict[str, float | None]] = {}
    first: dict[str, Any] = {}
    for way in WAYS:
        command = [sys.executable, '-m', 'benchmarks.inference', *sys.argv[1:], '--turn', way]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found = json.loads(done.stdout.splitlines()[-1])
        first = first or found
        rows[way] = {
            'ms a image': round(1000 * found['batch 1'], 1),
            'times faster': round(first['batch 1'] / found['batch 1'], 2),
            'images/s in batches of 32': round(32 / found['batch 32'], 1),
            'peak MiB': found['memory'],
            'Dice': round(found['dice'] + found['dice_difference'], 4),
            '% of pixels that flip': round(100 * found['flipped'], 4),
        }
        print(way, rows[way], flush=True)
    protocol = (
        f'inference of {args.config}: {args.side}x{args.side} images in memory, normalisation '
        f'included; Dice and flipped pixels on {args.images} test images at the size of the '
        'recipe, against the first row'
    )
    write(args.name, dict(protocol=protocol, rows=rows))


if __name__ == '__main__':
    main()
