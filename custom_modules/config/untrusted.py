"""The config of a published model: data that anybody may have written.

What it may name stands in ``data_types.py``. Nothing is built here before it was looked through,
and then first without memory (``model_size.py``).
"""

import keyword
import re
from pathlib import Path
from typing import Any

from mmengine.dataset import Compose

from ..base.errors import UserError, did_you_mean
from .check import dicts
from .data_types import SECTIONS
from .json_data import check_bounds, read_json
from .model_size import check_model_size
from .variables import substitute_variables

#: Keys that name code, files or addresses; ``_scope_`` and ``default_scope`` name a package.
_CODE = ('_base_', 'custom_imports', '_scope_', 'default_scope')
_FILES = (
    *('ann_file', 'backend_args', 'config_save_file', 'fig_save_cfg', 'file_client_args'),
    *('img_save_dir', 'metainfo', 'save_dir', 'scalar_save_file'),
)

#: What the machine had that the model was trained on; the tools set what they need themselves.
_OF_THE_MACHINE = ('work_dir', 'launcher', 'resume', 'experiment_name')

#: Keys whose text names weights to begin with. The folder has its own, so no path is followed; a
#: training that wants others is told to name them.
_WEIGHTS = ('checkpoint', 'encoder_weights', 'init', 'load_from', 'pretrained', 'teacher')
UNNAMED = 'weights that a published config names (no path in it is followed; give your own)'

#: The largest number in ``model``, the longest list there and in a pipeline, the largest number in
#: a pipeline, which may be the side of an image.
_LARGEST_IN_MODEL, _LONGEST, _LARGEST_SIDE = 16_384, 64, 4_096

#: What stands in ``config.py`` as the name of an argument, or counts levels (``widened``).
_KEY = re.compile(r'[A-Za-z_][A-Za-z0-9_]{0,63}|[0-9]{1,3}')


def read_data_config(path: Path) -> dict[str, Any]:
    """Read a config that is JSON; nothing that it names is imported, read or fetched.

    Args:
        path: JSON file to read.

    Returns:
        The config, its variables in place, as ``Config`` takes it.

    Raises:
        UserError: there is no such file, or it goes beyond the bounds, names a type that is not in
            ``data_types``, code or a file, or its model cannot be built or is too large.
    """
    values = read_json(path)
    if not isinstance(values, dict):
        raise UserError(f'{path}: holds no config')
    _check_keys(values, path)  # all of them: they are written into the text of config.py
    values = _without_machine(values)
    if not isinstance(values.get('model'), dict):
        raise UserError(f'{path}: it has no model')
    resolved, _ = substitute_variables(values, str(path), bounded=True)
    check_data(resolved, path)
    _check_parts(resolved, path)
    _check_steps(resolved, path)
    check_model_size(resolved, str(path))
    return values


def check_data(config: dict[str, Any], source: str | Path) -> None:
    """Make sure that a config names nothing but what ``data_types`` holds, and no large numbers.

    Args:
        config: resolved config, or some of its sections.
        source: config file's path, for messages.

    Raises:
        UserError: something else is named, or a number is too large; the message names the place
            and what may stand there.
    """
    try:
        check_bounds(config)
    except ValueError as error:
        raise UserError(f'{source}: cannot be read as a config that is data ({error})') from None
    _check_keys(config, source)
    for section, value in config.items():
        if section not in SECTIONS:
            raise UserError(f'{source}: {section!r} is not allowed in a config that is data')
        for place, found in dicts(value, section):
            kind = found.get('type')
            if 'type' in found and not (isinstance(kind, str) and kind in SECTIONS[section]):
                near = did_you_mean(str(kind), SECTIONS[section])
                raise UserError(
                    f'{source}: {place}.type={_short(kind)} is not allowed in a config that is '
                    f'data{near or "; it may name what PetSeg ships (docs/deploy.md)"}'
                )
            if 'pipeline' in found:
                _check_numbers(found['pipeline'], f'{place}.pipeline', _LARGEST_SIDE, source)
    if not isinstance(config.get('compile', False), bool):
        raise UserError(f'{source}: compile may be true or false in a config that is data')
    _check_numbers(config.get('model'), 'model', _LARGEST_IN_MODEL, source)


def _check_keys(values: dict[str, Any], source: str | Path) -> None:
    for place, found in dicts(values):
        where = f'{source}: {place + "." if place else ""}'
        for key, value in found.items():
            if not _KEY.fullmatch(key) or keyword.iskeyword(key):
                raise UserError(f'{where}{_short(key)} is no key of a config')
            if key in _CODE or key in _FILES:
                raise UserError(f'{where}{key!r} is not allowed in a config that is data')
            if isinstance(value, str) and '://' in value and key not in _WEIGHTS:
                raise UserError(f'{where}{key}: an address is not allowed in a config that is data')


def _without_machine(values: dict[str, Any]) -> dict[str, Any]:
    """Return a config without what only the trainer's machine had: paths, trackers, a cache."""

    def clean(key: str, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: clean(name, item) for name, item in value.items()}
        if isinstance(value, list):
            return [clean('', item) for item in value]
        if isinstance(value, str) and key in _WEIGHTS and not value.startswith('$'):
            return UNNAMED
        if isinstance(value, str) and key == 'cache' and not value.startswith('$'):
            return False
        return value

    kept = {key: clean(key, item) for key, item in values.items() if key not in _OF_THE_MACHINE}
    if 'vis_backends' in kept:
        kept['vis_backends'] = [dict(type='LocalVisBackend')]
    return kept


def _check_numbers(value: Any, place: str, largest: int, source: str | Path) -> None:
    """Refuse what would allocate before the network is looked at, or in a pipeline."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_numbers(item, f'{place}.{key}', largest, source)
    elif isinstance(value, list):
        if len(value) > _LONGEST:
            raise UserError(f'{source}: {place} has {len(value):,} items, at most {_LONGEST}')
        for index, item in enumerate(value):
            _check_numbers(item, f'{place}.{index}', largest, source)
    elif isinstance(value, int | float) and abs(value) > largest:
        raise UserError(f'{source}: {place}={value:g} is too large, at most {largest:,}')


def _check_parts(config: dict[str, Any], path: Path) -> None:
    """Make sure that there is what a prediction takes from a config."""
    for place in ('model', 'test_cfg', 'test_dataloader', 'test_dataloader.dataset'):
        found: Any = config
        for key in place.split('.'):
            found = found.get(key)
        if not isinstance(found, dict):
            raise UserError(f'{path}: it has no {place}; publish the model again')
    steps = config['test_dataloader']['dataset'].get('pipeline')
    if not (isinstance(steps, list) and steps and all(isinstance(s, dict) for s in steps)):
        raise UserError(f'{path}: test_dataloader.dataset.pipeline is no list of steps')
    threshold = config['model'].get('threshold')
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise UserError(f'{path}: model.threshold={_short(threshold)} is no number')


def _check_steps(config: dict[str, Any], path: Path) -> None:
    """Build what every photograph goes through; it has no memory before it is used."""
    try:
        Compose(config['test_dataloader']['dataset']['pipeline'])
    except Exception as error:  # what wrong arguments make a step stumble over has no end
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise UserError(
            f'{path}: the steps of its test pipeline cannot be built ({reason})'
        ) from None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f'{text[:77]}...'
