"""What a predictor asks for logits: a model of this project, or an exported one."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F

from ..datasets.channels import swap_red_and_blue
from ..export.onnx_files import Logits
from ..models import BinarySegmentor
from ..models.folding import fold_batch_norm
from ..models.precision import autocast, memory_format


class Network(Protocol):
    """From pixels to logits.

    Attributes:
        description: text that says in a few words where and how the network computes.
    """

    description: str

    def __call__(self, images: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return logits (N, 1, H, W), float32, of N equally large images (C, H, W), uint8.

        They are BGR where C is 3.

        H and W are any: what the network's strides do not divide is padded for its eyes.
        """
        ...


class TorchNetwork:
    """A model with its weights, on its device; on a CPU its BatchNorm is part of the convolutions.

    Args:
        model: model to run; it is changed.
        dtype: dtype of the convolutions, see ``resolve_dtype``.
    """

    def __init__(self, model: BinarySegmentor, dtype: torch.dtype = torch.float32) -> None:
        model = model.eval()
        if model.data_preprocessor.device.type == 'cpu':
            fold_batch_norm(model)
        device = model.data_preprocessor.device
        self.model = model.to(memory_format=memory_format(device))
        self.dtype = dtype
        self.description = f'PyTorch, {str(dtype).removeprefix("torch.")}'

    @torch.inference_mode()
    def __call__(self, images: Sequence[torch.Tensor]) -> torch.Tensor:
        batch = self.model.data_preprocessor(dict(inputs=images))['inputs']
        height, width = batch.shape[-2:]
        batch = F.pad(batch, _padding(batch.shape, self.model.size_divisor), 'replicate')
        with autocast(self.dtype, batch.device):
            return self.model(batch)[..., :height, :width]


class ExportedNetwork:
    """A network that ``tools/export.py`` wrote.

    Args:
        logits: function that runs the exported network.
        size_divisor: number that the sides of its inputs must be multiples of, from its metadata.
        description: text that says in a few words where and how it computes.
    """

    def __init__(self, logits: Logits, size_divisor: int, description: str) -> None:
        self.logits = logits
        self.size_divisor = size_divisor
        self.description = description

    def __call__(self, images: Sequence[torch.Tensor]) -> torch.Tensor:
        batch = np.stack([swap_red_and_blue(image, axis=0).numpy() for image in images])
        height, width = batch.shape[-2:]
        _, right, _, bottom = _padding(batch.shape, self.size_divisor)
        batch = np.pad(batch, ((0, 0), (0, 0), (0, bottom), (0, right)), 'edge')
        return torch.from_numpy(self.logits(batch))[..., :height, :width]


def _padding(shape: Sequence[int], divisor: int) -> tuple[int, int, int, int]:
    """Return what is missing at the left, right, top and bottom."""
    height, width = shape[-2:]
    return (0, -width % divisor, 0, -height % divisor)
