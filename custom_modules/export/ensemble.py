"""The networks of a cross-validation as one model: its config and its weights."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from mmengine.config import Config

from ..config import LoadedConfig

#: Parts of a model that each member has.
_PARTS = dict(backbone='EnsembleEncoder', decode_head='EnsembleHead')


def ensemble_config(config: LoadedConfig, members: int) -> LoadedConfig:
    """Return the config of several networks as one model.

    Args:
        config: loaded config that each of them was trained with.
        members: number of networks.
    """
    resolved = config.resolved.to_dict()
    return replace(
        config,
        resolved=Config(
            _wrapped(resolved, members), filename=config.resolved.filename, format_python_code=False
        ),
        written=_wrapped(config.written, members),
    )


def joined(checkpoints: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the checkpoint of an ensemble of the weights of several checkpoints of one config.

    Its ``meta`` says how all of them were trained: minutes together, images of any of them.

    Args:
        checkpoints: checkpoints, as ``load_checkpoint`` returns them.
    """
    weights: dict[str, torch.Tensor] = {}
    for number, checkpoint in enumerate(checkpoints):
        for name, weight in checkpoint['state_dict'].items():
            part, _, rest = name.partition('.')
            weights[f'{part}.members.{number}.{rest}'] = weight
    metas = [checkpoint.get('meta', {}) for checkpoint in checkpoints]
    meta = {key: metas[0].get(key) for key in ('epoch', 'iter', 'start')}
    marks = {mark for one in metas for mark in one.get('train_images') or ()}
    meta['train_images'] = sorted(marks) if marks else None
    trainings = [one['training'] for one in metas if one.get('training')]
    if trainings:
        minutes = round(sum(training['minutes'] for training in trainings), 2)
        meta['training'] = trainings[0] | dict(minutes=minutes, members=len(checkpoints))
    return dict(state_dict=weights, meta=meta)


def _wrapped(values: Mapping[str, Any], members: int) -> dict[str, Any]:
    model = dict(values['model'])
    for part, kind in _PARTS.items():
        model[part] = dict(type=kind, members=members, member=model[part])
    return {**values, 'model': model}
