"""The files of a config one by one: what each sets itself, and what they make together.

MMEngine's reader gives the merged values alone; nothing could say where one of them comes from.
"""

import ast
import copy
import importlib.util
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType, ModuleType
from typing import Any

import mmengine
from mmengine.config import Config, ConfigDict
from mmengine.config.utils import RemoveAssignFromAST

from ..base.errors import UserError, did_you_mean
from ..base.paths import PROJECT_ROOT, short_path, workspace
from .mmseg_schedule import as_schedule

_BASE, _DEPRECATION = '_base_', '_deprecation_'

#: Those that its runner has without being told.
_HOOKS_OF_MMENGINE = (
    *('runtime_info', 'timer', 'sampler_seed', 'logger', 'param_scheduler', 'checkpoint'),
)


@dataclass(frozen=True)
class Layer:
    """What one file, or one option of the command line, sets in a config.

    Attributes:
        file: file that sets the values; None for ``--cfg-options`` and for what is translated.
        values: keys and values as they are merged onto the layers below, ``_delete_`` among them.
        read: names that the file uses itself, as Python.
        name: what to call a layer without a file.
    """

    file: Path | None
    values: dict[str, Any]
    read: frozenset[str] = frozenset()
    name: str = '--cfg-options'

    @property
    def source(self) -> str:
        """The file as seen from the project, or the name of what is none."""
        return self.name if self.file is None else short_path(self.file)


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
        is_code = path.suffix == '.py'
        own = _execute(text, path, below) if is_code else mmengine.load(text)
        read = _names_read(text) if is_code else frozenset()
    own = Config._substitute_base_vars(own, references, below)
    for key in (_BASE, _DEPRECATION):
        own.pop(key, None)
    layers.append(Layer(path, copy.deepcopy(own), read))  # merging takes _delete_ away
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
        if not isinstance(name, str):
            raise UserError(f'{path}: _base_ holds {name!r}; a base is the path of a config')
        values, found = read_layers(_base_path(name, path), inside)
        if '::' in name:
            values = ConfigDict(as_schedule(ConfigDict(values).to_dict()))
            own = as_schedule(found[-1].values)
            found[-1] = replace(found[-1], values=own)
        twice = below.keys() & values.keys()
        if twice:
            raise KeyError(f'two bases set {", ".join(sorted(twice))}')
        below.update(Config._dict_to_config_dict(values))
        layers += found
    return below, layers


def _base_path(name: str, path: Path) -> Path:
    """Return the file of a base that a config at ``path`` names.

    ``PACKAGE::FILE`` is one of the configs that an installed package brings. MMEngine's own way to
    it asks for a distribution of the old name, ``mmsegmentation``.

    Raises:
        UserError: the package is not installed, or has no such config.
    """
    package, marks, inner = name.partition('::')
    if not marks:
        return _base_file(path.parent / name)
    found = importlib.util.find_spec(package) if package.isidentifier() else None
    if found is None or found.origin is None:
        raise UserError(f'{path}: _base_ = {name!r}: there is no package {package} installed')
    folder = Path(found.origin).parent / '.mim' / 'configs'
    if not (folder / inner).is_file():
        near = did_you_mean(
            inner, [one.relative_to(folder).as_posix() for one in folder.rglob('*.py')]
        )
        raise UserError(f'{path}: _base_ = {name!r}: {package} has no such config{near}')
    return folder / inner


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


def _names_read(text: str) -> frozenset[str]:
    """Return the names that the Python of a file reads, not those that it only sets."""
    nodes = ast.walk(ast.parse(Path(text).read_text(encoding='utf-8')))
    return frozenset(
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )


def option_layer(key: str, value: Any) -> Layer:
    """Return the layer of ``--cfg-options key=value``; the key may be dotted."""
    config = Config()
    config.merge_from_dict({key: value})
    return Layer(None, config.to_dict())


def translated_layer(model: dict[str, Any]) -> Layer:
    """Return the layer of a model that takes the place of MMSegmentation's."""
    values = {'model': {'_delete_': True, **model}}
    return Layer(None, values, name="MMSegmentation's EncoderDecoder, translated")


def names_set_by_recipes(layers: Sequence[Layer]) -> set[str]:
    """Return the keys that files set which are not in a ``_base_`` folder, of parts for many."""
    recipes = [layer for layer in layers if layer.file and '_base_' not in layer.file.parts]
    return {key for layer in recipes for key in layer.values}


def spare_variables(layers: Sequence[Layer]) -> set[str]:
    """Return the variables that the files use and the last file, the config, does not set itself.

    A config that replaces what its base wrote with variables, such as the whole model, need not
    replace the variables. One that sets a variable must use it: otherwise the line does nothing.
    A name that its own file reads, as ``norm_cfg`` of MMSegmentation's models, is used by that.
    """
    used = {text[1:] for layer in layers for text in _texts(layer.values) if text[:1] == '$'}
    last = {name: layer for layer in layers for name in layer.values}
    read = {name for name, layer in last.items() if name in layer.read}
    return used - layers[-1].values.keys() | read


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def refuse_what_takes_nothing_out(layers: Sequence[Layer]) -> None:
    """Refuse a None in ``default_hooks`` under a name that no hook has, a slip of the pen.

    A file without a base may hold one: it was merged before, as the config of a run is.

    Raises:
        UserError: none of the layers below has such a hook, nor has MMEngine.
    """
    known = {*_HOOKS_OF_MMENGINE}
    for number, layer in enumerate(layers):
        hooks = layer.values.get('default_hooks') or {}
        for name, hook in hooks.items():
            if number and hook is None and name not in known:
                raise UserError(
                    f'{layer.source}: default_hooks.{name} = None takes nothing out: no hook has '
                    f'this name{did_you_mean(name, sorted(known))}'
                )
        known |= {*hooks}
