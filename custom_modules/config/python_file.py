"""Configs that are Python files: executed, and what they leave held to plain values."""

import inspect
import sys
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.utils import import_modules_from_strings

from ..base.errors import UserError
from .layers import Layer, read_layers


def read_python_config(path: Path) -> tuple[Config, list[Layer]]:
    """Return a config with its bases merged, and its layers, see ``read_layers``.

    Functions, classes and modules that it imported for its own use are left out. Modules of its
    ``custom_imports`` are imported and may lie beside it.

    Raises:
        UserError: the config does not load, or holds classes or functions as values. MMEngine's
            lazy configs do: what is more than text and numbers could neither be written down for a
            resume nor be changed by ``--cfg-options``.
    """
    if 'read_base' in path.read_text(encoding='utf-8', errors='replace'):
        raise UserError(
            f"{path}: read_base is not supported; write _base_ = ['OTHER.py'], and classes by "
            "their registered names, such as type='Adam'"
        )
    beside = str(path.resolve().parent)
    if beside not in sys.path:
        sys.path.append(beside)  # where custom_imports looks for a module that lies beside it
    try:
        values, layers = read_layers(path)
        if values.get('custom_imports'):
            import_modules_from_strings(**values['custom_imports'])
        config = Config({key: value for key, value in values.items() if not _is_code(value)})
    except UserError:
        raise
    except Exception as error:  # a config is Python: it can fail in any way
        raise UserError(
            f'{path}: the config does not load ({type(error).__name__}: {error})'
        ) from None
    place = _code_inside(config.to_dict(), '')
    if place:
        raise UserError(
            f'{path}: {place} is a class, a function or a module; write a class by its registered '
            "name, such as type='Adam', and any other value as text or numbers"
        )
    return config, layers


def _is_code(value: Any) -> bool:
    return inspect.isroutine(value) or inspect.isclass(value) or inspect.ismodule(value)


def _code_inside(value: Any, place: str) -> str:
    """Return the place of the first class, function or module in a value; '' if there is none."""
    if _is_code(value):
        return place
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list | tuple):
        items = enumerate(value)
    found = (_code_inside(item, f'{place}.{key}' if place else str(key)) for key, item in items)
    return next(filter(None, found), '')
