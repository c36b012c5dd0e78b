"""The files of a config one by one: what each sets itself, and what they make together.

MMEngine's reader gives the merged values alone; nothing could say where one of them comes from.
"""

import ast
import copy
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType, ModuleType
from typing import Any

import mmengine
from mmengine.config import Config, ConfigDict
from mmengine.config.utils import RemoveAssignFromAST

from ..base.errors import UserError
from ..base.paths import PROJECT_ROOT, short_path, workspace

_BASE, _DEPRECATION = '_base_', '_deprecation_'


@dataclass(frozen=True)
class Layer:
    """What one file, or one option of the command line, sets in a config.

    Attributes:
        file: file that sets the values; None for ``--cfg-options``.
        values: keys and values as they are merged onto the layers below, ``_delete_`` among them.
    """

    file: Path | None
    values: dict[str, Any]

    @property
    def source(self) -> str:
        """The file as seen from the project, or ``--cfg-options``."""
        return '--cfg-options' if self.file is None else short_path(self.file)


def read_layers(path: Path, inside: tuple[Path, ...] = ()) -> tuple[dict[str, Any], list[Layer]]:
    """Return the merged values of a config and its layers: bases first, the file itself last.

    A file may hold what MMEngine's may: variables of the environment, ``{{ fileDirname }}`` and its
    like, ``{{ _base_.x }}`` and ``_base_.x``, bases of installed packages (``PACKAGE::FILE``).

    Args:
        path: config file to read; it is executed.
        inside: files that have this one as a base, directly or through others; empty from outside.

    Raises:
        UserError: the file is a base of itself.
        Exception: whatever executing it raises.
    """
    # As MMEngine has it: the bases of a link are beside the link, not beside its file.
    path = Path(os.path.abspath(path))  # noqa: PTH100
    if path in inside:
        raise UserError(f'{path}: a config of its _base_ is the config itself')
    with _substituted(path) as (text, references):
        below, layers = _read_bases(text, path, (*inside, path))
        own = _execute(text, path, below) if path.suffix == '.py' else mmengine.load(text)
    own = Config._substitute_base_vars(own, references, below)
    for key in (_BASE, _DEPRECATION):
        own.pop(key, None)
    layers.append(Layer(path, copy.deepcopy(own)))  # merging takes _delete_ away
    return Config._merge_a_into_b(own, below), layers


@contextmanager
def _substituted(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield a file with its ``{{ ... }}`` put in: a copy, or the file itself if it has none.

    Of ``{{ _base_.x }}`` the copy has texts instead, which are the keys of the dict beside it.
    """
    if '{{' not in path.read_text(encoding='utf-8'):
        yield str(path), {}
        return
    with TemporaryDirectory() as folder:
        text = str(Path(folder, path.name))
        Config._substitute_predefined_vars(str(path), text)
        Config._substitute_env_variables(text, text)
        yield text, Config._pre_substitute_base_vars(text, text)


def _read_bases(text: str, path: Path, inside: tuple[Path, ...]) -> tuple[ConfigDict, list[Layer]]:
    """Return what the bases of a file hold together, and their layers."""
    below, layers = ConfigDict(), []
    for name in Config._get_base_files(text):
        base, scope = Config._get_cfg_path(name, str(path))
        values, found = read_layers(_base_file(Path(base)), inside)
        twice = below.keys() & values.keys()
        if twice:
            raise KeyError(f'two bases set {", ".join(sorted(twice))}')
        below.update(Config._dict_to_config_dict(values, scope))
        layers += found
    return below, layers


def _base_file(path: Path) -> Path:
    """Return a base, or the one of that place in the installed project where there is none.

    So ``configs/mine/roads.py`` of a working directory may begin with '../listed_pairs_laptop.py'.
    """
    wanted = Path(os.path.abspath(path))  # noqa: PTH100  (a link is not followed)
    if not wanted.exists() and wanted.is_relative_to(workspace()):
        own = PROJECT_ROOT / wanted.relative_to(workspace())
        return own if own.is_file() else path
    return path


def _execute(text: str, path: Path, below: ConfigDict) -> dict[str, Any]:
    """Return the names that a file sets, without functions and modules of its own use."""
    code = RemoveAssignFromAST(_BASE).visit(ast.parse(Path(text).read_text(encoding='utf-8')))
    names: dict[str, Any] = {_BASE: below}
    exec(compile(code, str(path), 'exec'), names)
    return {
        key: value
        for key, value in names.items()
        if not (key.startswith('__') or isinstance(value, FunctionType | ModuleType))
    }


def option_layer(key: str, value: Any) -> Layer:
    """Return the layer of ``--cfg-options key=value``; the key may be dotted."""
    config = Config()
    config.merge_from_dict({key: value})
    return Layer(None, config.to_dict())


def spare_variables(layers: Sequence[Layer]) -> set[str]:
    """Return the variables that the files use and the last file, the config, does not set itself.

    A config that replaces what its base wrote with variables, such as the whole model, need not
    replace the variables. One that sets a variable must use it: otherwise the line does nothing.
    """
    used = {text[1:] for layer in layers for text in _texts(layer.values) if text[:1] == '$'}
    return used - layers[-1].values.keys()


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
