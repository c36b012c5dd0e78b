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
    waiting = [path]
    while waiting:
        file = waiting.pop()
        waiting += [file.parent / base for base in Config._get_base_files(str(file))]
        used.update(re.findall(r"""['"]\$(\w+)['"]""", file.read_text(encoding='utf-8')))
    return used - _assigned(path)


def _assigned(path: Path) -> set[str]:
    statements = ast.parse(path.read_text(encoding='utf-8')).body
    return {
        target.id
        for statement in statements
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
