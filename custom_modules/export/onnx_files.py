"""ONNX files: made by torch, quantised and run by ONNX Runtime."""

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from ..base.errors import UserError
from ..base.whole_file import whole_file
from .graph_check import INPUT, OUTPUT, check_onnx


class Logits(Protocol):
    """What computes as a network: images (N, C, H, W) uint8 -> logits (N, 1, H, W) float32."""

    def __call__(self, images: np.ndarray) -> np.ndarray: ...


class OnnxNetwork:
    """An ONNX file in ONNX Runtime.

    Attributes:
        runtime: name of what computes, to show.
        metadata: texts in the file's metadata, by key.
    """

    runtime = 'ONNX Runtime'

    def __init__(self, session: Any) -> None:
        self._session = session
        self.metadata: dict[str, str] = session.get_modelmeta().custom_metadata_map

    def __call__(self, images: np.ndarray) -> np.ndarray:
        try:
            return self._session.run([OUTPUT], {INPUT: images})[0]
        except Exception as error:  # ONNX Runtime's own classes, without a common base
            raise UserError(f'the exported network cannot compute ({_line(error)})') from None


def onnx_model(program: torch.export.ExportedProgram) -> Any:
    """Return an exported program as an ONNX model (``onnx.ModelProto``).

    Raises:
        UserError: a package for the export is missing.
    """
    _import('onnx')
    _import('onnxscript')
    with _quiet():
        made = torch.onnx.export(
            program, dynamo=True, input_names=[INPUT], output_names=[OUTPUT], verbose=False
        )
    assert made is not None
    return made.model_proto


def quantised(model: Any, calibration: Iterable[np.ndarray]) -> Any:
    """Return a model whose convolutions compute in int8.

    Static quantisation of ONNX Runtime: weights per channel, activations in the range that the
    calibration images show.

    Args:
        model: model to quantise (``onnx.ModelProto``).
        calibration: batches of images (N, C, H, W) uint8 that show the range of the
            activations.
    """
    onnx = _import('onnx')
    _import('onnxruntime')
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Reader(quantization.CalibrationDataReader):
        def __init__(self) -> None:
            self.batches = iter(calibration)

        def get_next(self) -> dict[str, np.ndarray] | None:
            batch = next(self.batches, None)
            return None if batch is None else {INPUT: batch}

    with tempfile.TemporaryDirectory() as folder, _quiet():
        plain, prepared, small = (Path(folder, name) for name in ('a.onnx', 'b.onnx', 'c.onnx'))
        onnx.save(model, str(plain))
        quant_pre_process(str(plain), str(prepared), skip_symbolic_shape=True)
        quantization.quantize_static(
            str(prepared),
            str(small),
            Reader(),
            per_channel=True,
            op_types_to_quantize=['Conv', 'ConvTranspose', 'Concat', 'Relu', 'MaxPool', 'Add'],
            extra_options=dict(ActivationSymmetric=False, WeightSymmetric=True),
        )
        return onnx.load(str(small))


def save_onnx(model: Any, path: Path, metadata: Mapping[str, str]) -> None:
    """Write a model into one file, with texts that describe it."""
    onnx = _import('onnx')
    onnx.helper.set_model_props(model, dict(metadata))
    with whole_file(path, 'wb') as file:
        file.write(model.SerializeToString())


def load_onnx(path: Path, threads: int = 0) -> OnnxNetwork:
    """Return what runs an ONNX file; the file holds data, no code.

    Args:
        path: path of the ONNX file.
        threads: number of threads; 0 for as many as PyTorch uses.

    Raises:
        UserError: the file cannot be read or is none of this project, or ONNX Runtime is missing.
    """
    runtime = _import('onnxruntime')
    content = checked_onnx(path)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads or torch.get_num_threads()
    options.log_severity_level = 4  # errors are raised, and said once
    try:
        session = runtime.InferenceSession(content, options, ['CPUExecutionProvider'])
    except Exception as error:  # ONNX Runtime's own classes, without a common base
        raise UserError(f'{path}: is no ONNX file that runs here ({_line(error)})') from None
    return OnnxNetwork(session)


def checked_onnx(path: Path) -> bytes:
    """Return the content of an ONNX file after ``check_onnx``.

    Raises:
        UserError: a package is missing, the file cannot be read, or its graph is not sound.
    """
    _import('onnx')
    _import('onnxruntime')
    with _quiet():
        return check_onnx(path)


def _import(name: str) -> Any:
    try:
        return __import__(name)
    except ImportError:
        raise UserError(f'ONNX needs {name}: pip install -r requirements-export.txt') from None


def _line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves what exporters say of their own insides."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter('ignore')
            yield
    finally:
        logging.disable(before)
