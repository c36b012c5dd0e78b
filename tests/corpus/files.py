"""Checkpoints and folders of runs."""

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from mmengine.registry import MODELS

from custom_modules.runs.checkpoint_io import load_checkpoint, load_weights
from custom_modules.runs.run_folder import find_run

from .archives import zipped
from .case import Case

NET = dict(
    type='BinarySegmentor',
    data_preprocessor=dict(type='BinarySegPreprocessor'),
    backbone=dict(type='UNetEncoder', channels=[2, 4]),
    decode_head=dict(type='UNetHead', in_channels=[2, 4], channels=[2]),
    losses=[dict(type='BinaryCrossEntropyLoss')],
)


def _saved(checkpoint: object, **options: object) -> bytes:
    file = io.BytesIO()
    torch.save(checkpoint, file, **options)
    return file.getvalue()


def _checkpoint(content: Callable[[], bytes] | bytes | None) -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        path = folder / 'best.pth'
        if content is not None:
            path.write_bytes(content() if callable(content) else content)
        load_weights(MODELS.build(NET), load_checkpoint(path), path)
        return 'the weights are loaded'

    return run


class Command:
    """A pickle of this runs a command."""

    def __reduce__(self) -> tuple:
        return exec, ("raise SystemExit('a pickle was executed')",)


def _weights() -> dict:
    return MODELS.build(NET).state_dict()


def _state(**changes: object) -> Callable[[], bytes]:
    def make() -> bytes:
        weights = _weights()
        for name, change in changes.items():
            key = list(weights)[int(name[1:])]
            if change is None:
                del weights[key]
            else:
                weights[key] = change
        return _saved(dict(state_dict=weights))

    return make


def _whole() -> bytes:
    return _saved(dict(state_dict=_weights(), meta=dict(epoch=1)))


def _numpy() -> bytes:
    file = io.BytesIO()
    np.savez(file, weights=np.ones(3))
    return file.getvalue()


CHECKPOINTS: dict[str, tuple[Callable[[], bytes] | bytes | None, str, str]] = {
    'missing': (None, 'there is no such checkpoint', ''),
    'empty file': (b'', 'damaged or no checkpoint', ''),
    'text': (b'oops', 'refused, because it is damaged or holds more', ''),
    'cut at a tenth': (lambda: _whole()[: len(_whole()) // 10], 'best.pth: ', ''),
    'cut in half': (lambda: _whole()[: len(_whole()) // 2], 'best.pth: ', ''),
    'without its last byte': (lambda: _whole()[:-1], 'best.pth: ', ''),
    'a pickle that runs a command': (
        lambda: _saved(dict(state_dict=_weights(), meta=Command())),
        'Loading such a file could run foreign code',
        '',
    ),
    'a bare pickle that runs a command': (
        lambda: pickle.dumps(Command()),
        'Loading such a file could run foreign code',
        '',
    ),
    'a whole module instead of weights': (
        lambda: _saved(torch.nn.Conv2d(1, 1, 1)),
        'Loading such a file could run foreign code',
        '',
    ),
    'arrays of NumPy': (_numpy, 'best.pth: ', ''),
    'JSON': (lambda: json.dumps(dict(state_dict={})).encode(), 'best.pth: ', ''),
    'an archive of something else': (zipped(), 'damaged or no checkpoint', ''),
    'a list': (lambda: _saved([1, 2]), 'holds a list, not a checkpoint', ''),
    'a tensor': (lambda: _saved(torch.ones(2)), 'holds a Tensor, not a checkpoint', ''),
    'no weights in it': (lambda: _saved(dict(meta=dict(epoch=1))), 'weights are missing', ''),
    'state_dict is a list': (lambda: _saved(dict(state_dict=[1])), 'holds no weights', ''),
    'state_dict is None': (lambda: _saved(dict(state_dict=None)), 'holds no weights', ''),
    'a weight is a text': (_state(_0='one'), 'holds no weights', ''),
    'a weight is missing': (_state(_0=None), '1 weights are missing', ''),
    'a weight of another shape': (_state(_0=torch.ones(7)), '1 weights have another shape', ''),
    'weights of another net': (
        lambda: _saved(dict(state_dict=torch.nn.Conv2d(1, 1, 1).state_dict())),
        'the checkpoint is of another model',
        '',
    ),
    "torch's format of before 2020": (
        lambda: _saved(dict(state_dict=_weights()), _use_new_zipfile_serialization=False),
        '',
        'the weights are loaded',
    ),
    'bare weights': (lambda: _saved(_weights()), '', 'the weights are loaded'),
}


def _resume(make: Callable[[Path], object], named: str = '') -> Callable[[Path], str]:
    def run(folder: Path) -> str:
        make(folder)
        return find_run(folder, named).name

    return run


def _run(folder: Path, name: str, *files: str) -> None:
    (folder / name).mkdir()
    for file in files:
        (folder / name / file).write_bytes(b'')


RUNS: dict[str, tuple[Callable[[Path], str], str, str]] = {
    'no run yet': (_resume(lambda _: None), 'has a last.pth', ''),
    'the newest run was cut off before its first checkpoint': (
        _resume(lambda f: (_run(f, '20260101_000000', 'last.pth'), _run(f, '20260102_000000'))),
        '',
        '20260101_000000',
    ),
    'a file among the runs': (
        _resume(lambda f: ((f / 'z').write_text(''), _run(f, '20260101_000000', 'last.pth'))),
        '',
        '20260101_000000',
    ),
    'only the state before the last is there': (
        _resume(lambda f: _run(f, '20260101_000000', 'previous.pth')),
        '',
        '20260101_000000',
    ),
    'a run that does not exist': (_resume(lambda _: None, 'yesterday'), '--resume yesterday', ''),
    'weights without the state of a training': (
        _resume(lambda f: _run(f, '20260101_000000', 'best.pth'), '20260101_000000'),
        'there is no last.pth in it',
        '',
    ),
}

FILES = (
    *(
        Case('checkpoint', name, _checkpoint(content), refused=said, read=out)
        for name, (content, said, out) in CHECKPOINTS.items()
    ),
    *(Case('resume', name, *rest) for name, rest in RUNS.items()),
)
