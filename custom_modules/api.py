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
from mmengine.device import get_device
from mmengine.registry import MODELS

from .config import load_config
from .engine.checkpoint_io import load_checkpoint, load_weights
from .engine.precision import resolve_dtype
from .engine.tuned_threshold import stored_threshold
from .prediction import Prediction, Predictor

__all__ = ['Prediction', 'Predictor', 'load']


def load(
    config: str | Path,
    checkpoint: str | Path,
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
        config: file, relative to the working directory or to the project.
        checkpoint: a ``.pth`` file; nothing in it is executed.
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
    settings = load_config(config, options)
    model = MODELS.build(settings.model)
    load_weights(model, load_checkpoint(checkpoint), checkpoint)
    place = torch.device(device or get_device())
    model.to(place)
    dtype = resolve_dtype(settings.test_cfg.get('precision', 'fp32'), place)
    if dtype != torch.float32:  # as PetSegRunner does
        model.to(memory_format=torch.channels_last)
    if threshold is None:
        threshold = stored_threshold(checkpoint)
    return Predictor(
        model,
        settings.test_dataloader['dataset']['pipeline'],
        settings.model['threshold'] if threshold is None else threshold,
        dtype,
        batch_size,
        window,
        overlap,
    )
