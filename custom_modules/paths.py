"""Where the project lies, and how relative paths in configs are understood."""

from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def resolve_path(path: str | Path) -> Path:
    """Return ``path`` if absolute or present in the working directory, else below the project.

    This lets every tool run from any directory with the relative paths of the configs.
    """
    path = Path(path).expanduser()
    if path.is_absolute() or path.exists():
        return path
    return PROJECT_ROOT / path
