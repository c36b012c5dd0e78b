"""Predictions from Python, in three lines:

>>> from custom_modules.api import load
>>> model = load('configs/unet_pet.py', 'work_dirs/unet_pet/latest/best.pth')
>>> prediction = model('cat.jpg')

``prediction.mask`` is (H, W) uint8, 0 and 1, at the photograph's own size; ``probability``,
``area``, ``box``, ``confidence``, ``overlay()`` and ``cutout()`` are beside it. ``model`` takes
paths, RGB arrays (H, W, 3) uint8 and images of Pillow; ``model.predict(images)`` takes many.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.config import Config
from mmengine.device import get_device
from mmengine.registry import MODELS

from .config import load_config
from .engine.checkpoint_io import load_checkpoint, load_weights, weights_file
from .engine.precision import resolve_dtype
from .engine.tuned_threshold import stored_threshold
from .export.metadata import read_metadata
from .export.onnx_files import load_onnx
from .prediction import Prediction, Predictor
from .prediction.network import ExportedNetwork, Network, TorchNetwork

__all__ = ['Prediction', 'Predictor', 'load']


def load(
    config: str | Path,
    checkpoint: str | Path | None = None,
    *,
    threshold: float | None = None,
    batch_size: int = 8,
    window: int | None = None,
    overlap: float = 0.25,
    device: str | torch.device | None = None,
    options: Sequence[str] = (),
) -> Predictor:
    """Return the model of a config with the weights of a checkpoint, ready to predict.

    Args:
        config: file, relative to the working directory or to the project; or the folder of a
            published model, which is all that is needed.
        checkpoint: a ``.pth`` or ``.safetensors`` file, or an ``.onnx`` file of
            ``tools/export.py``, which computes on the CPU; nothing in them is executed.
        threshold: a pixel is foreground if its probability is greater. None takes the one stored
            beside the checkpoint (``best.threshold.json``), or else the config's (0.5).
        batch_size: images, or windows of one image, that the network sees at a time.
        window: side in pixels of windows that are seen one by one; None for whole images, see
            Predictor.
        overlap: share of a window that its neighbour sees too.
        device: None for the GPU where there is one.
        options: ``key=value`` strings that change the config.

    Raises:
        UserError: a mistake in config, checkpoint or arguments.
    """
    checkpoint = weights_file(Path(config if checkpoint is None else checkpoint))
    settings = load_config(config, options)
    exported = Path(checkpoint).suffix == '.onnx'
    network, stored = (
        _exported(Path(checkpoint)) if exported else _trained(settings, checkpoint, device)
    )
    if stored is None:
        stored = settings.model['threshold']
    return Predictor(
        network,
        settings.test_dataloader['dataset']['pipeline'],
        stored if threshold is None else threshold,
        batch_size,
        window,
        overlap,
    )


def _trained(
    settings: Config, checkpoint: str | Path, device: str | torch.device | None
) -> tuple[Network, float | None]:
    """Return a model with its weights, and the threshold that is stored beside them."""
    model = MODELS.build(settings.model)
    load_weights(model, load_checkpoint(checkpoint), checkpoint)
    place = torch.device(device or get_device())
    model.to(place)
    dtype = resolve_dtype(settings.test_cfg.get('precision', 'fp32'), place)
    return TorchNetwork(model, dtype), stored_threshold(checkpoint)


def _exported(path: Path) -> tuple[Network, float | None]:
    """Return an exported network and its threshold."""
    logits = load_onnx(path)
    facts = read_metadata(path, logits.metadata)
    description = f'ONNX Runtime, {facts["precision"]}'
    return ExportedNetwork(logits, facts['size_divisor'], description), facts['threshold']
