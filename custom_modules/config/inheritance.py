"""Which variables a config inherits without having to use them."""

import ast
import re
from pathlib import Path

from mmengine.config import Config


def spare_variables(path: Path) -> set[str]:
    """Return the variables that the bases of a config use and the config itself does not set.

    A config that replaces what its base wrote with variables, such as the whole model, need not
    replace the variables. One that sets a variable must use it: otherwise the line does nothing.
    """
    used: set[str] = set()
    for file in lineage(path):
        used.update(re.findall(r"""['"]\$(\w+)['"]""", file.read_text(encoding='utf-8')))
    return used - assigned(path)


def lineage(path: Path) -> list[Path]:
    """Return a config's file and those of all its bases."""
    files: list[Path] = []
    waiting = [path]
    while waiting:
        file = waiting.pop()
        waiting += bases(file)
        files.append(file)
    return files


def bases(path: Path) -> list[Path]:
    """Return the files that a config names in ``_base_``."""
    return [path.parent / base for base in Config._get_base_files(str(path))]


def assigned(path: Path) -> set[str]:
    """Return the top-level names that a config's file sets itself."""
    statements = ast.parse(path.read_text(encoding='utf-8')).body
    return {
        target.id
        for statement in statements
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
