"""The formats that a network is exported to: how each is written, described and run."""

import io
import json
import warnings
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..base.errors import UserError, did_you_mean
from ..base.whole_file import whole_file
from .exportable_model import ExportableModel
from .metadata import METADATA
from .onnx_files import Logits, load_onnx, onnx_model, quantised, save_onnx
from .openvino_files import WEIGHTS_SUFFIX, load_openvino, openvino_model, save_openvino


class Format(ABC):
    """One format: ``write`` a network to a file, ``read`` a file back for the comparison.

    Attributes:
        suffix: suffix of the format's files, such as ``.onnx``.
        companions: suffixes of further files that lie beside such a file and belong to it.
    """

    suffix: str
    companions: tuple[str, ...] = ()

    @abstractmethod
    def convert(self, network: ExportableModel, calibration: Iterable[np.ndarray] | None) -> Any:
        """Return the network in this format, for batches and sizes of any kind.

        A network with ``sides`` is written for images of those.

        Args:
            network: network to convert.
            calibration: batches of images (N, C, H, W) uint8 from which int8 takes its ranges;
                None for a network that is not quantised.

        Raises:
            UserError: the format has no int8, or a package is missing.
        """

    @abstractmethod
    def save(self, converted: Any, path: Path, metadata: Mapping[str, Any]) -> None:
        """Write what ``convert`` returned, with the metadata in the file.

        Raises:
            UserError: the file cannot be written.
        """

    @abstractmethod
    def read(self, path: Path) -> Logits:
        """Return what runs a file of ``save`` on a CPU."""


class Onnx(Format):
    """ONNX, for ONNX Runtime, OpenVINO, TensorRT and browsers."""

    suffix = '.onnx'

    def convert(self, network: ExportableModel, calibration: Iterable[np.ndarray] | None) -> Any:
        model = onnx_model(_exported(network))
        return model if calibration is None else quantised(model, calibration)

    def save(self, converted: Any, path: Path, metadata: Mapping[str, Any]) -> None:
        save_onnx(converted, path, {METADATA: json.dumps(metadata)})

    def read(self, path: Path) -> Logits:
        return load_onnx(path)


class OpenVino(Format):
    """OpenVINO's own format, for Intel's and other processors; made from the ONNX model."""

    suffix = '.xml'
    companions = (WEIGHTS_SUFFIX,)

    def convert(self, network: ExportableModel, calibration: Iterable[np.ndarray] | None) -> Any:
        return openvino_model(Onnx().convert(network, calibration))

    def save(self, converted: Any, path: Path, metadata: Mapping[str, Any]) -> None:
        save_openvino(converted, path, json.dumps(metadata))

    def read(self, path: Path) -> Logits:
        return load_openvino(path)


class TorchScript(Format):
    """TorchScript, for libtorch and mobile; traced, with any batch and size."""

    suffix = '.pt'

    def convert(self, network: ExportableModel, calibration: Iterable[np.ndarray] | None) -> Any:
        _no_calibration(calibration)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of asserts on shapes, and of its own age
            return torch.jit.trace(network, (_example(network),), check_trace=False)

    def save(self, converted: Any, path: Path, metadata: Mapping[str, Any]) -> None:
        made = io.BytesIO()
        torch.jit.save(converted, made, _extra_files={METADATA: json.dumps(metadata)})
        with (
            zipfile.ZipFile(made) as archive,
            whole_file(path, 'wb') as file,
            zipfile.ZipFile(file, 'w') as kept,
        ):
            for member in archive.infolist():
                if not member.filename.endswith('.debug_pkl'):  # holds paths of this machine
                    kept.writestr(member.filename, archive.read(member))

    def read(self, path: Path) -> Logits:
        return _Torch(torch.jit.load(str(path)))


class ExportedProgram(Format):
    """torch.export's program, for AOTInductor and ExecuTorch.

    Height and width are at least twice ``size_divisor``: torch.export takes a side of one for a
    constant, and the coarsest features would have it.
    """

    suffix = '.pt2'

    def convert(self, network: ExportableModel, calibration: Iterable[np.ndarray] | None) -> Any:
        _no_calibration(calibration)
        return _exported(network)

    def save(self, converted: Any, path: Path, metadata: Mapping[str, Any]) -> None:
        # Not into the file: where its disk is full, torch's writer ends the process.
        made = io.BytesIO()
        torch.export.save(converted, made, extra_files={METADATA: json.dumps(metadata)})
        with whole_file(path, 'wb') as file:
            file.write(made.getbuffer())

    def read(self, path: Path) -> Logits:
        return _Torch(torch.export.load(str(path)).module())


#: By the name for ``--format``. A module of a config's ``custom_imports`` adds its own here.
FORMATS: dict[str, Format] = {
    'onnx': Onnx(),
    'openvino': OpenVino(),
    'torchscript': TorchScript(),
    'exported-program': ExportedProgram(),
}


def format_of(name: str) -> Format:
    """Return the format of a name.

    Raises:
        UserError: there is no such format; the message names those that there are.
    """
    if name not in FORMATS:
        known = ', '.join(FORMATS)
        raise UserError(f'--format {name}: use one of {known}{did_you_mean(name, FORMATS)}')
    return FORMATS[name]


class _Torch:
    """A module of torch as a function of arrays."""

    def __init__(self, module: Any) -> None:
        self.module = module

    @torch.inference_mode()
    def __call__(self, images: np.ndarray) -> np.ndarray:
        try:
            return self.module(torch.from_numpy(images)).numpy()
        except (RuntimeError, AssertionError) as error:  # a size that was fixed, or a guard of it
            line = str(error).strip().splitlines()[-1]
            raise UserError(f'the exported network cannot compute ({line})') from None


def _example(network: ExportableModel) -> torch.Tensor:
    """Return a batch whose sides are of no special size."""
    side = network.size_divisor
    height, width = network.sides or (2 * side, 3 * side)
    return torch.zeros(2, network.in_channels, height, width, dtype=torch.uint8)


def _exported(network: ExportableModel) -> torch.export.ExportedProgram:
    divisor = network.size_divisor
    shapes = {0: torch.export.Dim('batch')}
    if network.sides is None:
        height, width = (torch.export.Dim(name, min=2) for name in ('height', 'width'))
        shapes |= {2: divisor * height, 3: divisor * width}
    program = torch.export.export(network, (_example(network),), dynamic_shapes={'image': shapes})
    for node in program.graph.nodes:
        node.meta.pop('stack_trace', None)  # paths of this machine, which files would tell
    return program


def _no_calibration(calibration: Iterable[np.ndarray] | None) -> None:
    if calibration is not None:
        raise UserError('--int8 goes with --format onnx and openvino')
