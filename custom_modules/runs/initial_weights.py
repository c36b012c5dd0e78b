"""Weights that a training starts from: what fits is taken, and what does not is said."""

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import is_main_process
from mmengine.logging import print_log
from mmengine.model.weight_init import update_init_info
from mmengine.registry import WEIGHT_INITIALIZERS
from torch import nn

from ..base.errors import UserError
from ..base.paths import resolve_path, short_path
from ..base.records import items, number, record, text
from ..distributed.sharding import is_sharded, load_whole_weights
from ..models.ensemble import MEMBERS
from .checkpoint_io import load_checkpoint, refuse_remote, weights_file
from .weight_names import named_for
from .weights_check import unsound_weight

#: Weights of a run, where its folder is named.
BEST = 'best.pth'

#: A smaller share of the numbers of a model is a coincidence of shapes, no start.
_LEAST_SHARE = 0.01

#: What other trainers put before the names of all weights.
_WRAPPERS = ('module.', 'model.', '_orig_mod.')

#: Names in a message, before it says how many more there are.
_SHOWN = 3


#: Attribute of a module that holds its ``Start``.
_START_OF = 'started_from'

#: A ``Start`` as a checkpoint's ``meta`` holds it.
_START = record(
    ('weights', 'minutes', 'images'),
    weights=items(text()),
    minutes=number(0),
    images=items(text()),
)


@dataclass(frozen=True)
class Start:
    """What a training owes to the weights that it started from.

    Attributes:
        weights: files that they came from.
        minutes: duration of the trainings that made them, in minutes; 0 where a file does not say.
        images: marks (``image_marks``) of the images that these trainings learned from, sorted.
    """

    weights: list[str] = field(default_factory=list)
    minutes: float = 0
    images: list[str] = field(default_factory=list)


def starts_of(model: nn.Module) -> Start | None:
    """Return what all parts of a model started from, or None if everything was drawn at random."""
    starts = [vars(one)[_START_OF] for one in model.modules() if _START_OF in vars(one)]
    if not starts:
        return None
    return Start(
        list(dict.fromkeys(name for one in starts for name in one.weights)),
        round(sum(one.minutes for one in starts), 2),
        sorted({mark for one in starts for mark in one.images}),
    )


def set_start(model: nn.Module, start: Start) -> None:
    """Keep with a model what it started from."""
    vars(model)[_START_OF] = start


def start_from(model: nn.Module, path: str | Path, prefix: str | None = None) -> None:
    """Take from a checkpoint what has the names and shapes of a model, and print what was taken.

    Names may be those of the whole model, or of its encoder alone, as torchvision, timm,
    segmentation_models.pytorch and MMPretrain publish it.
    The model keeps where its weights are from (``starts_of``): what a test of it says of the
    training, and which images it must not be scored on, go back to there.

    Args:
        model: network whose weights are set; what does not fit stays as it is.
        path: path of a ``.pth`` or ``.safetensors`` file, or of the folder of a published model or
            of a run; relative to the working directory or to the project.
        prefix: beginning of the names of the weights to take, such as ``backbone.``, where
            ``model`` is that part; None to find the part by the names.

    Raises:
        UserError: the file cannot be read, is of an ensemble, nothing of it fits, or a weight is
            not sound.
    """
    if '://' in str(path):
        refuse_remote(str(path))
    file = weights_in(resolve_path(path))
    checkpoint = load_checkpoint(file)
    weights = _weights(checkpoint)
    if any(name.startswith(MEMBERS) for name in weights):
        raise UserError(
            f'{file}: is an ensemble, and a training begins with one network; name one of its '
            'members (folds/0/latest/last.pth of the cross-validation)'
        )
    found = named_for(model, weights, prefix)
    wanted = model.state_dict()
    taken = {n: w for n, w in found.items() if n in wanted and w.shape == wanted[n].shape}
    share = sum(wanted[n].numel() for n in taken) / max(1, sum(w.numel() for w in wanted.values()))
    lines = _table(wanted, found, taken)
    if share < _LEAST_SHARE:
        raise UserError(
            f'{file}: {"; ".join([*lines, "nothing to start from" + _hint(found, wanted)])}'
        )
    whole = {**wanted, **taken}
    fault = unsound_weight(whole, model)
    if fault:
        raise UserError(f'{file}: {fault}')
    if is_sharded(model):
        load_whole_weights(model, whole)
    else:
        model.load_state_dict(whole)
    set_start(model, end_of(file, checkpoint.get('meta')))
    text = '\n  '.join([f'{type(model).__name__} starts from {file}: {lines[0]}', *lines[1:]])
    print_log(text, 'current', logging.INFO)
    if is_main_process():
        print(text, flush=True)


def start_of(meta: Mapping[str, Any]) -> Start | None:
    """Return what the ``meta`` of a checkpoint says of its start; None if it says nothing."""
    try:
        _START(meta.get('start'), 'start')
    except ValueError:  # of another program, which means something else by the word
        return None
    found = meta['start']
    return Start(found['weights'], found['minutes'], found['images'])


def end_of(file: Path, meta: Any) -> Start:
    """Return what a training owes to a file, as far as its ``meta`` says it."""
    meta = meta if isinstance(meta, dict) else {}
    training, images = meta.get('training'), meta.get('train_images')
    earlier = start_of(meta) or Start()
    minutes = training.get('minutes') if isinstance(training, dict) else None
    known = isinstance(minutes, int | float) and math.isfinite(minutes) and minutes >= 0
    marks = images if isinstance(images, list) else []
    return Start(
        [short_path(file)],
        earlier.minutes + (float(minutes or 0) if known else 0),
        [*(mark for mark in marks if isinstance(mark, str)), *earlier.images],
    )


def weights_in(path: Path) -> Path:
    """Return the weights where ``path`` is the folder of a run or of a published model."""
    return path / BEST if (path / BEST).is_file() else weights_file(path)


def _weights(checkpoint: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    for key in ('state_dict', 'model'):  # ours and MMEngine's; that of many training scripts
        if isinstance(checkpoint.get(key), dict):
            checkpoint = checkpoint[key]
            break
    weights = {str(n): w for n, w in checkpoint.items() if isinstance(w, torch.Tensor)}
    for wrapper in _WRAPPERS:
        if weights and all(name.startswith(wrapper) for name in weights):
            weights = {name.removeprefix(wrapper): w for name, w in weights.items()}
    return weights


def _table(wanted: Mapping, found: Mapping, taken: Mapping) -> list[str]:
    """Return a line for what was taken, and one for each kind of what was not."""
    other = [n for n in found if n in wanted and n not in taken]
    missing = [n for n in wanted if n not in found and not n.endswith('num_batches_tracked')]
    unused = [n for n in found if n not in wanted]
    shapes = [f'{n} {_shape(found[n])} there, {_shape(wanted[n])} here' for n in other]
    lines = [f'{len(taken):,} of {len(wanted):,} weights taken']
    for title, names in (
        ('of another shape', shapes),
        ('not there', missing),
        ('not used', unused),
    ):
        if names:
            more = f' and {len(names) - _SHOWN:,} more' if len(names) > _SHOWN else ''
            lines.append(f'{title}: {", ".join(names[:_SHOWN])}{more}')
    return lines


def _shape(weight: torch.Tensor) -> str:
    return 'x'.join(map(str, weight.shape)) or '1'


def _hint(found: Mapping, wanted: Mapping) -> str:
    """Return which prefix would have matched, as an end of the message."""
    for name in found:
        head, dot, _ = name.partition('.')
        if dot and sum(f'{head}.{one}' in found for one in wanted) > len(wanted) / 2:
            return f", but prefix='{head}.' fits"
    return ''


@WEIGHT_INITIALIZERS.register_module(name='Pretrained', force=True)
class PretrainedInit:
    """MMEngine's ``init_cfg=dict(type='Pretrained', ...)`` by ``start_from``.

    MMEngine's own is content where not a single weight fits, and warns with kilobytes where all do.

    Args:
        checkpoint: path of the checkpoint, see ``start_from``.
        prefix: beginning of the names of the weights to take, see ``start_from``.
        map_location: device, as MMEngine's own takes it; not used.
    """

    def __init__(
        self, checkpoint: str, prefix: str | None = None, map_location: str = 'cpu'
    ) -> None:
        self.checkpoint = checkpoint
        self.prefix = prefix

    def __call__(self, module: nn.Module) -> None:
        start_from(module, self.checkpoint, self.prefix)
        if hasattr(module, '_params_init_info'):
            update_init_info(module, init_info=f'PretrainedInit: load from {self.checkpoint}')
