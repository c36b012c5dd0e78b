"""The one way in which all tools load a config."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config, DictAction

from ..base.errors import UserError
from ..base.paths import resolve_path
from .check import check_config
from .encoder_decoder import VARIABLES, as_binary_segmentor, is_encoder_decoder
from .layers import (
    Layer,
    names_set_by_recipes,
    option_layer,
    refuse_what_takes_nothing_out,
    spare_variables,
    translated_layer,
)
from .loaded_config import LoadedConfig
from .mmseg_schedule import with_loops_that_resume
from .python_file import read_python_config
from .registered import allow_modules
from .untrusted import read_data_config
from .variables import substitute_variables
from .written import parse_code

#: The config of a published model, in its folder.
PUBLISHED_CONFIG = 'config.json'


def load_config(path: str | Path, options: Sequence[str] = ()) -> LoadedConfig:
    """Load a config, apply ``--cfg-options``, check it and put its variables in.

    Args:
        path: config file, relative to the working directory or to the project. A ``.json`` file, or
            the folder of a published model, is read as data: nothing in it is executed.
        options: ``key=value`` texts, as after ``--cfg-options``; a dotted key reaches into dicts
            and lists.

    Raises:
        UserError: the file is missing or does not parse, an option is malformed, a variable is
            missing or serves nothing, a key or type is unknown (with the nearest names), or a value
            is not allowed (with what is).
    """
    path = resolve_path(path)
    if path.is_dir():
        path = path / PUBLISHED_CONFIG
    if not path.is_file():
        raise UserError(f'{path}: there is no such config; see configs/')
    data_only = path.suffix == '.json'
    if not data_only and path.suffix != '.py':  # MMEngine would execute what a YAML file names
        raise UserError(f'{path}: a config is a .py file, or the folder of a published model')
    if data_only:
        config = Config(read_data_config(path))
        layers = [Layer(path, config.to_dict())]
    else:
        config, layers = read_python_config(path)
    allow_modules((config.get('custom_imports') or {}).get('imports') or ())
    parsed = _parse_options(options)
    of_options = [option_layer(key, value) for key, value in parsed.items()]
    if 'model' in config:
        _merge(config, parsed)
    if not isinstance(config.get('model'), dict):
        raise UserError(f'{path}: it has no model; begin with _base_ = a config of configs/')
    by_options = {key.partition('.')[0] for key in parsed}
    refuse_what_takes_nothing_out([*layers, *of_options])
    spare = spare_variables(layers)
    written = with_loops_that_resume(config.to_dict())
    if is_encoder_decoder(written['model']):
        meant = by_options | names_set_by_recipes(layers)
        beside = {'data_preprocessor': written.pop('data_preprocessor', None)}
        written['model'] = as_binary_segmentor(beside | written['model'], meant)
        spare |= VARIABLES - meant
        of_options.append(translated_layer(written['model']))
    spare -= by_options
    values, used = substitute_variables(written, str(path), spare)
    resolved = Config(values, filename=str(path), format_python_code=False)
    check_config(resolved.to_dict(), str(path), written)
    written = {key: value for key, value in written.items() if key not in spare - used}
    return LoadedConfig(path, resolved, written, (*layers, *of_options))


def _parse_options(options: Sequence[str]) -> dict:
    parsed = {}
    for option in options:
        key, equals, value = option.partition('=')
        if not (key and equals):
            raise UserError(f'--cfg-options {option}: write key=value')
        try:
            parsed[key] = _parse_value(value)
        except (AssertionError, ValueError) as error:
            raise UserError(f'--cfg-options {option}: {error}') from None
    return parsed


def _parse_value(value: str) -> Any:
    """Return a value as MMEngine reads it, or a dict, or a list of them, as Python writes it."""
    if value.startswith(('dict(', '{', '[', '(')) and ('dict(' in value or '{' in value):
        return parse_code(f'value = {value}', '--cfg-options')['value']
    bare = value.strip('\'" ')
    if ',' not in bare and not bare.startswith(('[', '(')):  # MMEngine takes out a path's spaces
        return DictAction._parse_int_float_bool(bare)
    return DictAction._parse_iterable(value)


def _merge(config: Config, options: dict) -> None:
    for key, value in options.items():
        try:
            config.merge_from_dict({key: value})
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            # MMEngine names Python's exception, or the part of the config that cannot take it.
            reason = re.split(r' of list|\. You may set', str(*error.args[:1]))[0]
            raise UserError(f'--cfg-options {key}={value}: not possible here ({reason})') from None
