"""Predictions from Python, in three lines.

Examples:
    >>> import petseg
    >>> model = petseg.load('configs/unet_pet.py', 'work_dirs/unet_pet/latest/best.pth')
    >>> prediction = model('cat.jpg')

``prediction.mask`` is (H, W) uint8, 0 and 1, at the photograph's own size; ``probability``,
``area``, ``box``, ``confidence``, ``overlay()`` and ``cutout()`` are beside it. ``model`` takes
paths, RGB arrays (H, W, 3) uint8 and images of Pillow; ``model.predict(images)`` takes many. Of a
model for other channels an array holds what a file would (``image_reading``, docs/data.md).
"""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import torch
from mmengine.registry import MODELS

from .base.device import device_of, present_device
from .config import load_config
from .config.held_datasets import pipeline_of, reading_of
from .datasets.image_reading import ImageReading
from .export.exported_files import is_exported, load_exported
from .export.metadata import read_metadata
from .export.metadata import reading_of as stored_reading
from .export.openvino_files import load_openvino
from .models import BinarySegmentor
from .models.binary_segmentor import as_segmentor
from .models.precision import resolve_dtype
from .prediction import Prediction, Predictor
from .prediction.network import ExportedNetwork, Network, TorchNetwork
from .runs.checkpoint_io import load_checkpoint, load_weights, weights_file
from .runs.named_model import named_model
from .runs.published_folder import ONNX
from .runs.trained_with import other_than_trained
from .runs.tuned_threshold import passed_over, stored_threshold
from .runs.weights_digest import weights_digest

__all__ = ['Prediction', 'Predictor', 'load']


def load(
    config: str | Path,
    checkpoint: str | Path | None = None,
    *,
    threshold: float | None = None,
    batch_size: int = 8,
    window: int | None = None,
    overlap: float | None = None,
    device: str | torch.device | None = None,
    options: Sequence[str] = (),
) -> Predictor:
    """Return the model of a config with the weights of a checkpoint, ready to predict.

    It computes in the precision of the config; that of a published model is bf16 (where the device
    has it) if that was found to keep the masks. The folder of a published model is run by OpenVINO
    where that is installed and there is no GPU, if its ONNX file is of its weights: that is faster.

    Args:
        config: path of a config file, relative to the working directory or to the project; or of
            the folder of a published model, which is all that is needed, such as 'pretrained/NAME'.
        checkpoint: path of a ``.pth`` or ``.safetensors`` file, or of an ``.onnx`` or ``.xml`` file
            of ``tools/export.py``, which computes on the CPU; nothing in them is executed.
        threshold: probability above which a pixel is foreground, 0 to 1. None takes the one in the
            checkpoint's sidecar file (``best.threshold.json``) or in the metadata of an exported
            file, or else the config's (0.5).
        batch_size: number of images, or of windows of one image, that the network sees at a time.
        window: side in pixels of windows that are seen one by one, see Predictor; None for what the
            model was tested with: the windows of a model trained on patches, or else whole images.
        overlap: share of a window that its neighbour sees too, 0 to below 1; None for that of the
            test, or 0.25.
        device: device to compute on, such as 'cpu' or 'cuda:0'; None for ``device`` of the config:
            of CUDA where there is one, unless it says another.
        options: ``key=value`` strings that change the config.

    Raises:
        UserError: a mistake in config, checkpoint or arguments.
    """
    config, source, _ = named_model([config] if checkpoint is None else [config, checkpoint])
    settings = load_config(config, options).resolved
    place = torch.device(present_device(str(device)) if device else device_of(settings))
    notes: list[str] = []
    network: Network
    reading = reading_of(settings.test_dataloader['dataset'])
    if is_exported(source):
        network, stored, reading = _exported(source, reading)  # has a precision of its own
    else:
        dtype = resolve_dtype(settings.test_cfg.get('precision', 'fp32'), place)
        weights = weights_file(source)
        model = as_segmentor(MODELS.build(settings.model), 'a prediction')
        trained = load_checkpoint(weights)
        load_weights(model, trained, weights)
        notes = other_than_trained(trained.get('meta', {}), settings) + passed_over(weights)
        tuned = stored_threshold(weights)
        stored = model.threshold if tuned is None else tuned
        openvino = _in_openvino(source / ONNX, model, dtype) if place.type == 'cpu' else None
        network = openvino or TorchNetwork(model.to(place), dtype)
    predictor = Predictor(
        network,
        pipeline_of(settings.test_dataloader['dataset']),
        stored if threshold is None else threshold,
        batch_size,
        window,
        overlap,
        reading,
    )
    predictor.notes = notes
    return predictor


def _exported(path: Path, reading: ImageReading) -> tuple[Network, float, ImageReading]:
    """Return an exported network, its threshold and how its images are read.

    An older file does not say that; ``reading`` is taken then, the config's.
    """
    logits, facts = load_exported(path)
    description = f'{logits.runtime}, {facts["precision"]}'
    network = ExportedNetwork(logits, facts['size_divisor'], description)
    return network, facts['threshold'], stored_reading(facts, reading)


def _in_openvino(path: Path, model: BinarySegmentor, dtype: torch.dtype) -> Network | None:
    """Return the ONNX file of a published model in OpenVINO; None if it cannot stand for the model.

    It can where it and OpenVINO are there, and it was made of the weights that the model has.
    """
    if not path.is_file() or importlib.util.find_spec('openvino') is None:
        return None
    logits = load_openvino(path, float32=dtype == torch.float32)
    facts = read_metadata(path, logits.metadata)
    if facts.get('weights') != weights_digest(model.state_dict()):
        return None
    return ExportedNetwork(logits, facts['size_divisor'], f'{logits.runtime}, {logits.dtype}')
