"""Weights that no training can have left, in every kind of file that holds weights."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from mmengine.registry import MODELS

from custom_modules.prediction.network import TorchNetwork
from custom_modules.prediction.predictor import Predictor
from custom_modules.runs.checkpoint_io import load_checkpoint, load_weights

from .case import Case

NET = dict(
    type='BinarySegmentor',
    data_preprocessor=dict(type='BinarySegPreprocessor'),
    backbone=dict(type='UNetEncoder', channels=[2, 4], norm_cfg=dict(type='BN')),
    decode_head=dict(type='UNetHead', in_channels=[2, 4], channels=[2]),
    losses=[dict(type='BinaryCrossEntropyLoss')],
)

#: Of the net: a convolution, and the three buffers of a normalisation.
_CONV, _MEAN, _VAR, _COUNT = range(4)

Change = Callable[[torch.Tensor], torch.Tensor]


def _one(value: float) -> Change:
    def change(tensor: torch.Tensor) -> torch.Tensor:
        tensor = tensor.clone()
        tensor.view(-1)[-1] = value
        return tensor

    return change


def _cast(dtype: torch.dtype) -> Change:
    return lambda tensor: tensor.to(dtype)


NAN, INFINITE, NEGATIVE = 'holds NaN or infinity', 'holds NaN or infinity', 'a negative number'
STORED = 'is stored as'

#: What is done to which tensor, and part of the message.
WEIGHTS: dict[str, tuple[int, Change, str]] = {
    'one NaN among the weights': (_CONV, _one(float('nan')), NAN),
    'one infinity among the weights': (_CONV, _one(float('inf')), INFINITE),
    'NaN as a running mean': (_MEAN, _one(float('nan')), NAN),
    'infinity as a running variance': (_VAR, _one(float('inf')), INFINITE),
    'a negative running variance': (_VAR, _one(-0.5), NEGATIVE),
    'a negative count of batches': (_COUNT, lambda t: t - 7, NEGATIVE),
    'a count of batches as float32': (_COUNT, _cast(torch.float32), STORED),
    'weights of bool': (_CONV, _cast(torch.bool), STORED),
    'weights of int8': (_CONV, _cast(torch.int8), STORED),
    'weights of int64': (_CONV, _cast(torch.int64), STORED),
    'weights of complex64': (_CONV, _cast(torch.complex64), STORED),
    'weights of float8_e4m3fn': (_CONV, _cast(torch.float8_e4m3fn), STORED),
    'weights of float8_e5m2': (_CONV, _cast(torch.float8_e5m2), STORED),
    'a weight of 1e300 in float64': (_CONV, lambda t: _one(1e300)(t.double()), INFINITE),
}

#: Tensors that only a pickle can hold.
PICKLED: dict[str, tuple[int, Change, str]] = {
    'a sparse weight': (_CONV, torch.Tensor.to_sparse, 'no ordinary tensor'),
    'a weight without numbers (meta)': (_CONV, lambda t: t.to('meta'), 'ordinary'),
}

#: Types that are widened or rounded to those of the model.
TAKEN = (torch.float16, torch.bfloat16, torch.float64)


def _changed(place: int, change: Change) -> tuple[torch.nn.Module, dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    model = MODELS.build(NET)
    weights = model.state_dict()
    ends = ('weight', 'running_mean', 'running_var', 'num_batches_tracked')
    name = next(name for name in weights if name.endswith(ends[place]))
    weights[name] = change(weights[name])
    return model, weights


def _pth(weights: dict[str, torch.Tensor], folder: Path) -> Path:
    torch.save(dict(state_dict=weights, meta={}), folder / 'best.pth')
    return folder / 'best.pth'


def _published(weights: dict[str, torch.Tensor], folder: Path) -> Path:
    safetensors.torch.save_file(weights, folder / 'model.safetensors')
    return folder


def _load(
    place: int, change: Change, write: Callable[[dict[str, torch.Tensor], Path], Path]
) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        model, weights = _changed(place, change)
        path = write(weights, folder)
        load_weights(model, load_checkpoint(path), path)
        return 'the weights are loaded'

    return run


def _predict_with_huge_weights(folder: Path) -> str:
    model, weights = _changed(_CONV, lambda t: t * 0 + 3e38)
    path = _pth(weights, folder)
    load_weights(model, load_checkpoint(path), path)
    Predictor(TorchNetwork(model), [dict(type='PackBinarySegInputs')])(
        np.full((32, 32, 3), 200, np.uint8)
    )
    return 'a mask'


WEIGHT_CASES: tuple[Case, ...] = (
    *(
        Case('weights', f'{name} ({kind})', _load(place, change, write), refused=said)
        for name, (place, change, said) in WEIGHTS.items()
        for kind, write in (('.pth', _pth), ('published', _published))
    ),
    *(
        Case('weights', f'{name} (.pth)', _load(place, change, _pth), refused=said)
        for name, (place, change, said) in PICKLED.items()
    ),
    *(
        Case(
            'weights',
            f'weights of {str(dtype).removeprefix("torch.")} ({kind})',
            _load(_CONV, _cast(dtype), write),
            read='the weights are loaded',
        )
        for dtype in TAKEN
        for kind, write in (('.pth', _pth), ('published', _published))
    ),
    Case(
        'weights',
        'finite weights so large that the net gives NaN',
        _predict_with_huge_weights,
        refused='NaN instead of logits',
    ),
)
