"""OpenVINO files: made of an ONNX model, run by OpenVINO."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..base.errors import UserError
from ..base.whole_file import cannot_write
from .graph_check import LARGEST_FILE, check_openvino
from .metadata import METADATA, stored_precision
from .onnx_files import OUTPUT, checked_onnx

#: The weights lie beside the ``.xml`` file, under its name.
WEIGHTS_SUFFIX = '.bin'


class OpenVinoNetwork:
    """A network in OpenVINO, on the CPU.

    Args:
        model: model that OpenVINO has read (``openvino.Model``).
        float32: whether what is not int8 computes in float32. False leaves that to OpenVINO, which
            takes bfloat16 where the processor has it. None is False for files of float16 and True
            for all others.

    Attributes:
        runtime: name of what computes, to show.
        metadata: texts in the file's metadata, by key.
    """

    runtime = 'OpenVINO'

    def __init__(self, model: Any, float32: bool | None = None) -> None:
        # A model that was read from ONNX has that file's metadata under 'framework'.
        places = [[METADATA], ['framework', METADATA]]
        self.metadata: dict[str, str] = {}
        for place in places:
            if model.has_rt_info(place):
                self.metadata.setdefault(METADATA, str(model.get_rt_info(place).value))
        options: dict[str, Any] = {
            'PERFORMANCE_HINT': 'LATENCY',
            'INFERENCE_NUM_THREADS': torch.get_num_threads(),
            'ENABLE_CPU_PINNING': False,  # other processes may have those cores
        }
        if float32 is None:
            float32 = stored_precision(self.metadata) != 'fp16'
        if float32:
            options['INFERENCE_PRECISION_HINT'] = 'f32'
        self._compiled = _openvino().Core().compile_model(model, 'CPU', options)

    @property
    def dtype(self) -> str:
        """What it computes in, such as 'bfloat16'."""
        found = self._compiled.get_property('INFERENCE_PRECISION_HINT').to_string()
        return dict(f32='float32', bf16='bfloat16', f16='float16').get(found, found)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        try:
            return self._compiled(images)[OUTPUT]
        except RuntimeError as error:  # OpenVINO's only class
            raise UserError(f'the exported network cannot compute ({_last_line(error)})') from None


def openvino_model(onnx_model: Any) -> Any:
    """Return ``onnx.ModelProto`` as ``openvino.Model``; what is int8 stays int8.

    ``openvino.convert_model`` would do the same and send statistics to its makers.
    """
    return _openvino().Core().read_model(onnx_model.SerializeToString())


def save_openvino(model: Any, path: Path, metadata: str) -> None:
    """Write a model as ``path`` (.xml) and its weights beside it.

    Args:
        model: model, as ``openvino_model`` returns it.
        path: path of the ``.xml`` file to write.
        metadata: text that is kept in the file, JSON.

    Raises:
        UserError: the files cannot be written.
    """
    model.set_rt_info(metadata, METADATA)
    try:
        _openvino().save_model(model, str(path), compress_to_fp16=False)
    except RuntimeError as error:  # OpenVINO's only class
        raise cannot_write(path, error) from None


def load_openvino(path: Path, float32: bool | None = None) -> OpenVinoNetwork:
    """Return what runs an ``.xml`` file with its weights, or an ``.onnx`` file; both are data.

    Args:
        path: path of the ``.xml`` or ``.onnx`` file.
        float32: whether to compute in float32, see OpenVinoNetwork.

    Raises:
        UserError: a file cannot be read or is none of this project, or OpenVINO is missing.
    """
    openvino = _openvino()
    weights = path.with_suffix(WEIGHTS_SUFFIX)
    if path.suffix == '.xml' and not weights.is_file():
        raise UserError(
            f'{weights}: there is no such file; {path.name} needs its weights beside it'
        )
    for file in (path, weights) if path.suffix == '.xml' else ():
        if file.stat().st_size > LARGEST_FILE:
            raise UserError(f'{file}: has more than {LARGEST_FILE >> 20} MiB')
    content = checked_onnx(path) if path.suffix == '.onnx' else str(path)
    try:
        model = openvino.Core().read_model(content)
        check_openvino(model, path)
        return OpenVinoNetwork(model, float32)
    except RuntimeError as error:  # OpenVINO's only class
        raise UserError(f'{path}: is no file that OpenVINO runs ({_last_line(error)})') from None


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].strip()


def _openvino() -> Any:
    try:
        import openvino
    except ImportError:
        raise UserError('OpenVINO is missing: pip install -r requirements-openvino.txt') from None
    return openvino
