"""A table of every type that the configs name, and of the file that holds its arithmetic."""

import inspect
import re
from pathlib import Path

import custom_modules.api  # noqa: F401  registers the parts
from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.config.registered import registered
from custom_modules.datasets.transforms.albumentations import PREFIX

BEGIN = '<!-- types: made by python -m docs.generate from configs/ -->'
END = '<!-- end of types -->'


def types_table(configs: Path) -> str:
    """Return a Markdown table with a row for each type in the configs below a folder.

    Types of albumentations, which all mean what that library says, have one row together.
    """
    texts = [path.read_text(encoding='utf-8') for path in configs.rglob('*.py')]
    names = {name for text in texts for name in re.findall(r"type='([\w.]+)'", text)}
    lines = ['| type | file |', '|---|---|']
    for name in sorted(names, key=str.lower):
        if not name.startswith(PREFIX):
            lines.append(f'| `{name}` | {place(name)} |')
    if any(name.startswith(PREFIX) for name in names):
        wrapper = 'custom_modules/datasets/transforms/albumentations.py'
        lines.append(f'| `{PREFIX}*` | the library albumentations, seeded by {link(wrapper)} |')
    return '\n'.join(lines)


def place(name: str) -> str:
    """Return the file of a type of ours as a link, or the module of a library."""
    if name.startswith(PREFIX):
        return 'the library albumentations'
    places = []
    for one in registered(name):
        module = inspect.getmodule(one)
        assert module is not None and module.__file__ is not None
        path = Path(module.__file__)
        if path.is_relative_to(PROJECT_ROOT / 'custom_modules'):
            places.append(link(path.relative_to(PROJECT_ROOT).as_posix()))
        else:
            places.append(f'the library {module.__name__.partition(".")[0]}, `{module.__name__}`')
    return '; '.join(dict.fromkeys(places))


def link(path: str) -> str:
    """Return a link from a page of docs/ to a file of the package."""
    return f'[{path.removeprefix("custom_modules/")}](../{path})'
