"""Exported files that predict and are scored as a checkpoint is: they hold data, no code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .metadata import read_metadata
from .onnx_files import OnnxNetwork, load_onnx
from .openvino_files import OpenVinoNetwork, load_openvino

_READERS: dict[str, Callable[[Path], OnnxNetwork | OpenVinoNetwork]] = {
    '.onnx': load_onnx,
    '.xml': load_openvino,
}


def is_exported(path: str | Path) -> bool:
    """Return whether a path is that of an exported file, by its name."""
    return Path(path).suffix in _READERS


def load_exported(path: Path) -> tuple[OnnxNetwork | OpenVinoNetwork, dict[str, Any]]:
    """Return what runs a file of ``tools/export.py``, and what its metadata say.

    Raises:
        UserError: the file cannot be used, or a package is missing.
    """
    network = _READERS[path.suffix](path)
    return network, read_metadata(path, network.metadata)
