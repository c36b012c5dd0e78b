"""Checkpoints on disk: written whole or not at all, read without executing anything."""

import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.logging import HistoryBuffer
from mmengine.runner import CheckpointLoader

from ..base.errors import UserError, did_you_mean
from ..base.whole_file import cannot_write, whole_file
from ..distributed.sharding import is_sharded, load_whole_weights
from .safetensors_io import WEIGHTS_ONLY, load_safetensors
from .weights_check import unsound_weight

#: What is read back without executing anything, beside numbers, texts, lists and dicts.
_READ_BACK = (torch.Tensor, torch.Size, torch.dtype)


def _no_method(*_: object) -> None:
    """Stand in for ``getattr``, by which a pickled curve names its own methods."""


class _Curve(HistoryBuffer):
    """Stand in for a pickled HistoryBuffer, which would bring methods for all others with it."""

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update({key: state[key] for key in state if key != 'statistics_methods'})


#: What the checkpoints of MMEngine's own runner hold beside those: curves, as arrays of numbers.
_OF_MMENGINE: list[Any] = [
    *((_no_method, name) for name in ('getattr', 'builtins.getattr', '__builtin__.getattr')),
    *((_Curve, f'{HistoryBuffer.__module__}.{HistoryBuffer.__name__}'), _Curve),
    *(np.ndarray, np.dtype, np.empty(0).__reduce__()[0], np.float64(0).__reduce__()[0]),
    *(type(np.dtype(kind)) for kind in ('float64', 'float32', 'int64', 'int32', 'bool')),
]

#: The weights of a published model, in its folder.
PUBLISHED_WEIGHTS = f'model{WEIGHTS_ONLY}'


def save_checkpoint(checkpoint: dict, path: str | Path, previous: str | None = None) -> None:
    """Write tensors and plain types to ``path``; a reader never sees half a file.

    Args:
        checkpoint: state to write: tensors, numbers, texts, lists and dicts.
        path: path of the file to write.
        previous: name under which the checkpoint that was there before is kept.

    Raises:
        UserError: the disk is full or the folder cannot be written, or a value could not be read
            back; an older file is still whole.
    """
    checkpoint = _plain(checkpoint, '')
    try:
        with whole_file(path, 'wb', previous) as file:
            torch.save(checkpoint, file)
    except RuntimeError as error:  # of torch's zip writer, which keeps the system's reason
        raise cannot_write(path, error.__context__ or error) from error


def _plain(value: Any, place: str) -> Any:
    """Return what a checkpoint holds with the numbers of NumPy as Python's and arrays as tensors.

    They look alike and are pickled otherwise: a Dice of ``np.mean`` would make a file that
    ``load_checkpoint`` refuses.
    """
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind in 'biuf':
        return torch.from_numpy(value)
    if isinstance(value, dict):
        items = {key: _plain(item, f'{place}.{key}'.strip('.')) for key, item in value.items()}
        return type(value)(items) if type(value) is OrderedDict else items
    if isinstance(value, list | tuple) and not isinstance(value, torch.Size):
        inside = [_plain(item, f'{place}.{index}') for index, item in enumerate(value)]
        return inside if isinstance(value, list) else tuple(inside)
    for kind in (bool, int, float, str):  # those of a class of one's own are pickled as that class
        if isinstance(value, kind):
            return kind(value)
    if value is None or isinstance(value, _READ_BACK):
        return value
    raise UserError(
        f'{place} is a {type(value).__name__}, which a checkpoint cannot hold; keep numbers, '
        'texts, lists, dicts and tensors in the state of hooks and optimizers'
    )


def _check_sums(path: Path) -> None:
    """Raise if a byte differs from what was written: torch does not look at the sums it stores."""
    if zipfile.is_zipfile(path):  # torch's older formats are not
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged:
            raise ValueError(f'the checksum of {damaged} is wrong')


@CheckpointLoader.register_scheme(prefixes='', force=True)
def load_checkpoint(path: str | Path, map_location: str | torch.device | None = 'cpu') -> dict:
    """Read a checkpoint that holds tensors and plain types only.

    ``path`` may be a file of safetensors, or the folder of a published model.

    Registered as MMEngine's loader of local files too, so that ``init_cfg=dict(type='Pretrained',
    checkpoint=...)`` comes through here: MMEngine's own executes pickles when all else fails.

    Raises:
        UserError: the file is missing, damaged, no checkpoint, or holds anything that would have to
            be executed (a pickle of other classes).
    """
    path = weights_file(Path(path))
    if not path.is_file():
        near = did_you_mean(path.name, _names(path.parent))
        raise UserError(f'{path}: there is no such checkpoint{near}')
    if path.suffix == WEIGHTS_ONLY:
        return load_safetensors(path, map_location)
    try:
        _check_sums(path)
        with torch.serialization.safe_globals(_OF_MMENGINE):
            checkpoint = torch.load(path, map_location=map_location, weights_only=True)
    except pickle.UnpicklingError as error:
        reason = str(error).split('WeightsUnpickler error: ')[-1].strip().splitlines()[0]
        reason = reason.split('. Please use')[0]  # how to have it executed all the same
        raise UserError(
            f'{path}: refused, because it is damaged or holds more than tensors and plain types '
            f'({reason}). Loading such a file could run foreign code'
        ) from None
    except Exception as error:  # what a damaged file makes the reader stumble over has no end
        reason = str(error).split('. ')[0].splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f'{path}: damaged or no checkpoint ({reason})') from None
    if not isinstance(checkpoint, dict):
        raise UserError(f'{path}: holds a {type(checkpoint).__name__}, not a checkpoint')
    return checkpoint


def weights_file(path: Path) -> Path:
    """Return the weights of a published model where ``path`` is its folder, else ``path``."""
    return path / PUBLISHED_WEIGHTS if path.is_dir() else path


def load_weights(model: torch.nn.Module, checkpoint: dict, path: str | Path) -> None:
    """Load ``checkpoint['state_dict']`` into ``model``; every name and shape must agree.

    Raises:
        UserError: the checkpoint holds no weights, those of another model, or weights that no
            training can have left (see ``unsound_weight``).
    """
    found = checkpoint.get('state_dict', checkpoint)
    weights = found.values() if isinstance(found, dict) else [found]
    if 'state_dict' in checkpoint and not all(isinstance(w, torch.Tensor) for w in weights):
        raise UserError(f'{path}: holds no weights under state_dict; it is no checkpoint of PetSeg')
    wanted = model.state_dict()
    missing = [name for name in wanted if name not in found]
    foreign = [name for name in found if name not in wanted]
    other_shape = [
        n for n in wanted if n in found and wanted[n].shape != getattr(found[n], 'shape', None)
    ]
    problems = [
        f'{len(names)} {what}, such as {names[0]}'
        for names, what in (
            (missing, 'weights are missing'),
            (foreign, 'weights are foreign'),
            (other_shape, 'weights have another shape'),
        )
        if names
    ]
    if problems:
        raise UserError(
            f'{path}: the checkpoint is of another model than the config: {"; ".join(problems)}. '
            'Use the config it was trained with (config.py beside it)'
        )
    fault = unsound_weight(found, model)
    if fault:
        raise UserError(
            f'{path}: {fault}; such a model predicts nothing or everything. Take an earlier '
            'checkpoint, or train again with a smaller learning_rate'
        )
    if is_sharded(model):
        load_whole_weights(model, found)
    else:
        model.load_state_dict(found)


def _names(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if p.suffix == '.pth'] if folder.is_dir() else []


@CheckpointLoader.register_scheme(
    prefixes=[
        'http://',
        'https://',
        'mmcls://',
        'modelzoo://',
        'open-mmlab://',
        'openmmlab://',
        'pavi://',
        'torchvision://',
        r'(\S+\:)?petrel://',
        r'(\S+\:)?s3://',
    ],
    force=True,
)
def refuse_remote(address: str, map_location: object = None) -> dict:  # noqa: ARG001
    """Refuse what MMEngine would fetch and unpickle.

    Raises:
        UserError: always, because only checkpoints on this machine are loaded.
    """
    raise UserError(
        f'{address}: only checkpoints on this machine are loaded; download it and give its path'
    )
