"""No misspelt key and no unknown type gets past here: every dict with a ``type`` is checked against
the signature of the class it names, before anything is built.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from mmengine.runner import Runner

from ..base.errors import UserError, did_you_mean
from ..datasets.image_reading import ImageReading
from .registered import REGISTRIES, registered
from .signatures import parameters
from .stages import check_stages
from .values import check_values

#: Keys that MMEngine and MMCV take away from a dict before it builds the class.
_TAKEN_AWAY = {
    'hooks': {'priority'},
    'param_scheduler': {'convert_to_iter_based'},
    'norm_cfg': {'requires_grad'},
    'dataloader': {'dataset', 'sampler', 'batch_sampler', 'collate_fn', 'worker_init_fn'}
    | {'num_batch_per_epoch', 'disable_subprocess_warning'},
}

#: What the constructor of optimizers looks at; it passes over other keys in silence.
_PARAMWISE = {
    *('custom_keys', 'bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'flat_decay_mult'),
    *('dwconv_decay_mult', 'dcn_offset_lr_mult', 'bypass_duplicate', 'layer_decay'),
}


def check_config(config: dict[str, Any], source: str, written: dict[str, Any]) -> None:
    """Check every type, key and value of a resolved config.

    Args:
        config: resolved config, with all variables put in.
        source: config file's path, for messages.
        written: config with its variables still in place, for the names in messages.

    Raises:
        UserError: a type, key or value is wrong; the message names the place, the wrong name and
            the nearest right ones.
    """
    for place, value in dicts(config):
        kind = value.get('type')
        candidates: list[Callable] = []
        if isinstance(kind, str):
            candidates = _candidates(kind, place, source, config.get('default_scope'))
            _check_keys(place, value, candidates, source)
        elif place.endswith('dataloader'):
            from torch.utils.data import DataLoader

            allowed = set(inspect.signature(DataLoader.__init__).parameters)
            _refuse_unknown(place, value, allowed | _TAKEN_AWAY['dataloader'], source)
        elif (
            place == 'optim_wrapper.paramwise_cfg' and 'constructor' not in config['optim_wrapper']
        ):
            _refuse_unknown(place, value, _PARAMWISE, source)
        elif place == 'randomness':
            allowed = set(inspect.signature(Runner.set_randomness).parameters)
            _refuse_unknown(place, value, allowed, source)
        elif place.rpartition('.')[2] == 'image_reading':
            _check_reading(value, source)
        check_values(place, value, candidates, written, source)
    check_stages(config, source)


def _check_reading(value: dict, source: str) -> None:
    try:
        ImageReading.of(value)
    except UserError as error:
        raise UserError(f'{source}: {error}') from None


def dicts(value: Any, place: str = '') -> Iterator[tuple[str, dict]]:
    """Yield every dict of a config with its dotted place."""
    if isinstance(value, dict):
        yield place, value
        for key, item in value.items():
            yield from dicts(item, f'{place}.{key}' if place else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from dicts(item, f'{place}.{index}')


def _candidates(kind: str, place: str, source: str, scope: str | None) -> list[Callable]:
    """Return what a type may name; ``scope`` is the library that the config looks into first."""
    candidates = (registered(f'{scope}.{kind}') if scope else []) or registered(kind)
    if not candidates:
        if '.' not in kind and registered(f'mmseg.{kind}'):
            near = f"; did you mean 'mmseg.{kind}', of MMSegmentation?"
        else:
            known = [name for registry in REGISTRIES for name in registry.module_dict]
            near = did_you_mean(kind, known) or '; is its module in custom_imports?'
        raise UserError(f'{source}: {place}.type={kind!r} is not registered{near}')
    return candidates


def _check_keys(place: str, value: dict, candidates: list[Callable], source: str) -> None:
    taken = {'type', '_scope_'}.union(
        *(keys for word, keys in _TAKEN_AWAY.items() if word in place)
    )
    if place == 'optim_wrapper':  # MMEngine builds it with a constructor of its own
        taken |= {'constructor', 'paramwise_cfg'}
    signatures = [parameters(candidate) for candidate in candidates]
    if any(names is None or set(value) - taken <= names for names in signatures):
        return
    allowed = set().union(*(names for names in signatures if names is not None))
    _refuse_unknown(f'{place} ({value["type"]})', value, allowed | taken, source)


def _refuse_unknown(place: str, value: dict, allowed: set[str], source: str) -> None:
    for key in value:
        if key not in allowed:
            near = did_you_mean(str(key), allowed)
            raise UserError(f'{source}: {place} has no key {key!r}{near}')
