"""How a command line names a model: a config and its checkpoint, or a published folder alone."""

from collections.abc import Sequence
from pathlib import Path

from ..base.errors import UserError
from ..base.paths import resolve_path, workspace
from ..config.load import PUBLISHED_CONFIG

#: Ends of the names of files that hold weights, or a whole network.
_MODELS = ('.pth', '.safetensors', '.onnx', '.xml')


def is_published(path: str | Path) -> bool:
    """Say whether a path, seen from here or the project, is the folder of a published model."""
    return (resolve_path(path) / PUBLISHED_CONFIG).is_file()


def named_model(words: Sequence[str | Path]) -> tuple[Path, Path, list[str]]:
    """Return the config and the checkpoint that the first words name, and the other words.

    A published folder is both. A checkpoint may follow it all the same: one of its files.

    Args:
        words: words of a command line, one or more.

    Raises:
        UserError: a config stands without a checkpoint.
    """
    first, *rest = words
    config = resolve_path(first)
    if is_published(first) and not (rest and _is_of(config, rest[0])):
        return config, config, [str(word) for word in rest]
    if not rest:
        raise UserError(
            f'{first}: a config is followed by its checkpoint; the folder of a published model '
            f'(with a {PUBLISHED_CONFIG}) stands alone'
        )
    return config, resolve_path(rest[0]), [str(word) for word in rest[1:]]


def results_folder(checkpoint: Path) -> Path:
    """Return where what is made of a checkpoint goes unless a tool is told: beside it.

    What lies in a published folder is its publisher's; what is made of it goes to
    ``work_dirs/<its name>`` of the project.
    """
    folder = checkpoint if checkpoint.is_dir() else checkpoint.parent
    if is_published(folder):
        return workspace() / 'work_dirs' / folder.resolve().name
    return folder


def _is_of(folder: Path, word: str | Path) -> bool:
    """Say whether a word after a published folder is a checkpoint and not, say, a photograph."""
    path = resolve_path(word)
    return path.suffix in _MODELS or path.resolve() == folder.resolve()
