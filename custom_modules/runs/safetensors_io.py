"""Weights as safetensors: tensors and texts, nothing that could be executed."""

import json
from pathlib import Path
from typing import Any

import torch

from ..base.errors import UserError
from ..base.whole_file import whole_file

#: Suffix of the files.
WEIGHTS_ONLY = '.safetensors'

#: What is kept of a checkpoint's ``meta``: how it was trained, and on which images, so that a test
#: of the folder can still say that it saw them.
_KEPT = ('epoch', 'iter', 'training', 'train_images', 'start')

#: Key of the JSON with what a checkpoint's ``meta`` says.
_META = 'petseg'


def save_safetensors(checkpoint: dict, path: Path) -> None:
    """Write the weights of a checkpoint, and what its ``meta`` says of the training.

    Args:
        checkpoint: checkpoint, as ``load_checkpoint`` returns it.
        path: path of the file to write.

    Raises:
        UserError: the package is missing, or the file cannot be written.
    """
    safetensors = _import()
    weights = {name: tensor.contiguous() for name, tensor in checkpoint['state_dict'].items()}
    meta = {key: checkpoint.get('meta', {}).get(key) for key in _KEPT}
    texts = {'format': 'pt', _META: json.dumps(meta)}
    with whole_file(path, 'wb') as file:
        file.write(safetensors.save(weights, texts))


def as_float16(checkpoint: dict) -> dict:
    """Return a checkpoint whose weights take half the room.

    Convolutions become float16. What belongs to BatchNorm stays float32: its variances may be
    larger or smaller than float16 can tell, and it is small.

    Args:
        checkpoint: checkpoint, as ``load_checkpoint`` returns it.

    Raises:
        UserError: a weight is too large for float16.
    """
    weights = {
        name: tensor.half() if tensor.ndim > 1 and tensor.is_floating_point() else tensor
        for name, tensor in checkpoint['state_dict'].items()
    }
    wrong = [name for name, tensor in weights.items() if not torch.isfinite(tensor).all()]
    if wrong:
        raise UserError(
            f'{wrong[0]}: holds weights beyond float16, 65504; publish it without --small'
        )
    return {**checkpoint, 'state_dict': weights}


def load_safetensors(path: Path, map_location: str | torch.device | None = 'cpu') -> dict:
    """Return a checkpoint with the weights of a file.

    Args:
        path: path of the file to read.
        map_location: device that the tensors are put on.

    Raises:
        UserError: the file is damaged or none of safetensors, or the package is missing.
    """
    safetensors = _import()
    try:
        data = path.read_bytes()
        weights = safetensors.load(data)
        size = int.from_bytes(data[:8], 'little')
        texts = json.loads(data[8 : 8 + size]).get('__metadata__', {})
        meta: Any = json.loads(texts.get(_META, '{}'))
    except Exception as error:  # the package's own classes, without a common base
        raise UserError(f'{path}: damaged or no file of safetensors ({error})') from None
    if not isinstance(meta, dict):
        meta = {}
    weights = {name: tensor.to(map_location) for name, tensor in weights.items()}
    return dict(state_dict=weights, meta=meta)


def _import() -> Any:
    try:
        import safetensors.torch
    except ImportError:
        raise UserError(
            'safetensors files need a package: pip install -r requirements.txt'
        ) from None
    return safetensors.torch
