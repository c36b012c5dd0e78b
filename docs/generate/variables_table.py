"""A table of the variables of the configs: which arguments of which classes each is put into."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from docs.generate.types_table import link, place

BEGIN = '<!-- variables: made by python -m docs.generate from configs/ -->'
END = '<!-- end of variables -->'

#: What reads the keys of a config that are no argument of a type, by the beginning of their path.
_READ_BY = {
    '*_dataloader.dataset.': 'custom_modules/datasets/binary_seg_dataset.py',
    '*_dataloader.': 'custom_modules/engine/data_loaders.py',
    'load_from': 'custom_modules/runs/initial_weights.py',
    'preprocessor.': 'custom_modules/models/data_preprocessor.py',
    'val_evaluator': 'custom_modules/engine/loops.py',
}


def variables_table(configs: Path) -> str:
    """Return a Markdown table with a row for each ``'$name'`` in the configs below a folder."""
    uses: dict[str, dict[str, None]] = {}
    for path in sorted(configs.rglob('*.py')):
        for node in ast.parse(path.read_text(encoding='utf-8')).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                for name, place_of_use in _uses(node.value, node.targets[0].id, None):
                    uses.setdefault(name, {})[place_of_use] = None
    lines = ['| variable | is |', '|---|---|']
    lines += [f'| `{name}` | {"; ".join(uses[name])} |' for name in sorted(uses)]
    return '\n'.join(lines)


def _uses(node: ast.expr, path: str, kind: str | None) -> Iterator[tuple[str, str]]:
    """Yield each variable in a value and what it is there.

    Args:
        node: syntax tree of the value.
        path: dotted keys that lead to it.
        kind: type of the dict that the value is an argument of; None outside of one.
    """
    if isinstance(node, ast.Constant) and str(node.value).startswith('$'):
        key = path.rpartition('.')[2]
        yield str(node.value)[1:], f'`{key}` of `{kind}`, {place(kind)}' if kind else _key(path)
    elif isinstance(node, ast.List | ast.Tuple):
        for one in node.elts:
            yield from _uses(one, path, kind)
    elif isinstance(node, ast.Call):
        arguments = {word.arg: word.value for word in node.keywords if word.arg}
        own = arguments.get('type')
        for key, value in arguments.items():
            own_kind = str(own.value) if isinstance(own, ast.Constant) else None
            yield from _uses(value, f'{path}.{key}', own_kind)


def _key(path: str) -> str:
    path = re.sub('^(train|val|test)_dataloader', '*_dataloader', path)
    readers = [file for beginning, file in _READ_BY.items() if path.startswith(beginning)]
    return ', '.join([f'`{path}`', *map(link, readers[:1])])
