"""What a config's file inherits and sets, seen without executing it."""

import ast
from pathlib import Path

from mmengine.config import Config


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
