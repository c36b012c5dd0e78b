"""Configs that are Python files: executed by MMEngine, and what they leave held to plain values."""

import inspect
import sys
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..base.errors import UserError


def read_python_config(path: Path) -> Config:
    """Return a config with its bases merged.

    Functions, classes and modules that it imported for its own use are left out. Modules of its
    ``custom_imports`` may lie beside it.

    Raises:
        UserError: it does not load, or holds classes or functions as values. MMEngine's lazy
            configs do: what is more than text and numbers could neither be written down for a
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
        config = Config.fromfile(path)
    except UserError:
        raise
    except RecursionError:
        raise UserError(f'{path}: a config of its _base_ is the config itself') from None
    except Exception as error:  # a config is Python: it can fail in any way
        raise UserError(
            f'{path}: the config does not load ({type(error).__name__}: {error})'
        ) from None
    values = config.to_dict()
    for key in [key for key, value in values.items() if _is_code(value)]:
        config.pop(key)
        values.pop(key)
    place = _code_inside(values, '')
    if place:
        raise UserError(
            f'{path}: {place} is a class, a function or a module; write a class by its registered '
            "name, such as type='Adam', and any other value as text or numbers"
        )
    return config


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
