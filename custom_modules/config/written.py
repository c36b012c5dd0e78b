"""The config of a run as data: ``merged_config.json`` beside ``config.py``.

What reads results gets it from here and executes nothing. Folders of before have ``config.py``
alone, whose assignments are read as they stand.
"""

import ast
import json
from pathlib import Path
from typing import Any

from mmengine.config import Config

from ..base.errors import UserError
from ..base.paths import PROJECT_ROOT, short_path
from ..base.whole_file import whole_file
from .differences import as_data
from .json_data import LARGEST_FILE, read_json
from .keys import RUNNER_KEYS
from .loaded_config import LoadedConfig
from .variables import substitute_variables

#: The config that can be run again, and the same as data.
CODE, DATA = 'config.py', 'merged_config.json'

#: The configs of this project; those that only their name is known of are read from here.
_CONFIGS = PROJECT_ROOT / 'configs'


#: What the first line of a written config begins with, and how much of a line is read.
_OF, _LONGEST_LINE = '# Config: ', 1000


def write_config(folder: Path, config: LoadedConfig) -> None:
    """Write a config into the folder of a run or a test."""
    with whole_file(folder / CODE) as file:
        file.write(f'{first_line(config)}\n{config.text}')
    with whole_file(folder / DATA) as file:
        file.write(json.dumps(config.data, indent=1) + '\n')


def first_line(config: LoadedConfig) -> str:
    """Return the comment that a written config begins with: its file, as ``origin`` finds it."""
    return f'{_OF}{origin(config.path)}'


def origin(path: Path) -> str:
    """Return the file that a config was written as, as seen from the project.

    Args:
        path: config file; for a run's ``config.py``, its first line says what it was written from.
    """
    if path.name == CODE and path.is_file():
        with open(path, encoding='utf-8', errors='replace') as file:
            line = file.readline(_LONGEST_LINE).strip()
        if line.startswith(_OF):
            return line.removeprefix(_OF)
    return short_path(path.resolve())


def read_written(folder: Path) -> dict[str, Any] | None:
    """Return the config of a run or test, its variables in place; None where its folder has none.

    Raises:
        UserError: the config cannot be read without executing it; the message names the line.
    """
    if (folder / DATA).is_file():
        values = read_json(folder / DATA)
        if not isinstance(values, dict):
            raise UserError(f'{folder / DATA}: holds no config')
        return values
    return read_code(folder / CODE) if (folder / CODE).is_file() else None


def read_named(name: str) -> dict[str, Any] | None:
    """Return a config of this project, which results name; None for any other file.

    None too where a base is a file of another package (``mmseg::...``), which is code.

    Raises:
        UserError: the config cannot be read without executing it.
    """
    path = (PROJECT_ROOT / name).resolve()
    if not (path.is_relative_to(_CONFIGS) and path.suffix == '.py' and path.is_file()):
        return None
    values = _with_bases(path, frozenset())
    if values is None:
        return None
    _, used = substitute_variables(values, str(path), spare=values)
    return {key: value for key, value in values.items() if key in RUNNER_KEYS | used}


def resolved(values: dict[str, Any], source: str) -> dict[str, Any]:
    """Put the variables of a written config in.

    Raises:
        UserError: a variable is missing, or the variables multiply without end.
    """
    return substitute_variables(values, source, spare=values, bounded=True)[0]


def read_code(path: Path) -> dict[str, Any]:
    """Return the assignments of a ``config.py`` without bases.

    Raises:
        UserError: the file cannot be read, or a line is more than a name and its plain value.
    """
    try:
        with open(path, 'rb') as file:
            content = file.read(LARGEST_FILE + 1)
        text = content.decode('utf-8')
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f'{path}: cannot be read ({error})') from None
    values = parse_code(text, str(path))
    if '_base_' in values:
        raise UserError(f'{path}: has a _base_, which is not read here; test or train again')
    return values


def parse_code(text: str, source: str) -> dict[str, Any]:
    """Return the assignments of a config's text, as ``as_data`` does; nothing is executed.

    Args:
        text: config's text as ``load_config`` merges it: names and plain values, ``dict(...)``
            among them.
        source: config file's path, for messages.

    Raises:
        UserError: the text is too long, or a line is more than a name and its plain value.
    """
    if len(text) > LARGEST_FILE:
        raise UserError(f'{source}: is no config, it has more than {LARGEST_FILE:,} bytes')
    values = {}
    line = 1
    try:
        for statement in ast.parse(text).body:
            line = statement.lineno
            match statement:
                case ast.Assign(targets=targets, value=value):
                    for target in targets:  # several in a = b = 1
                        for name, item in _pairs(target, value):
                            values[name] = as_data(_plain(item))
                case ast.Expr(value=ast.Constant(value=str())):  # a doc string
                    pass
                case _:
                    raise ValueError('more than a name and its value')
    except (MemoryError, RecursionError, SyntaxError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f'{source}: line {line} cannot be read without executing it, which is not done '
            f'({reason})'
        ) from None
    return values


def _pairs(target: ast.expr, value: ast.expr) -> list[tuple[str, ast.expr]]:
    """Return the names of an assignment, ``a`` or ``a, b``, and what each is to be."""
    match target, value:
        case ast.Name(id=name), _:
            return [(name, value)]
        case ast.Tuple(elts=names), ast.Tuple(elts=items) if len(names) == len(items):
            return [pair for one in zip(names, items, strict=True) for pair in _pairs(*one)]
    raise ValueError('more than a name and its value')


def _plain(node: ast.expr) -> Any:
    """Return a value that is written out; raise ValueError for what would have to be computed."""
    match node:
        case ast.Call(func=ast.Name(id='dict'), args=[], keywords=keywords):
            return {_name(keyword): _plain(keyword.value) for keyword in keywords}
        case ast.Call(func=ast.Name(id='dict'), args=[ast.Dict() as inner], keywords=[]):
            return _plain(inner)
        case ast.Dict(keys=keys, values=values):
            pairs = zip(keys, values, strict=True)
            return {_key(key): _plain(value) for key, value in pairs}
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_plain(item) for item in items]
        case ast.Name(id='inf' | 'nan' as word):  # so MMEngine writes them
            return word
        case ast.Call(
            func=ast.Name(id='float'),
            args=[ast.Constant(value='inf' | '-inf' | 'nan' as word)],
            keywords=[],
        ):
            return word
        case _:
            return ast.literal_eval(node)


def _name(keyword: ast.keyword) -> str:
    if keyword.arg is None:
        raise ValueError('** in a dict')
    return keyword.arg


def _key(node: ast.expr | None) -> Any:
    key = None if node is None else ast.literal_eval(node)
    if not isinstance(key, str | int):
        raise ValueError('a key that is neither text nor number')
    return key


def _with_bases(path: Path, inside: frozenset[Path]) -> dict[str, Any] | None:
    """Return a config with its bases, merged as MMEngine does it; None as read_named says."""
    if not path.is_relative_to(_CONFIGS) or path in inside:
        raise UserError(f'{path}: is no base of a config of this project')
    values = parse_code(path.read_text(encoding='utf-8'), str(path))
    names = values.pop('_base_', [])
    below: dict[str, Any] = {}
    for name in [names] if isinstance(names, str) else names:
        if '::' in name:
            return None
        found = _with_bases((path.parent / name).resolve(), inside | {path})
        if found is None:
            return None
        below |= found
    return as_data(Config._merge_a_into_b(values, below))
