"""The teacher of a distillation, read back from what a training or a publisher left."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.registry import MODELS

from ..base.errors import UserError
from ..base.paths import resolve_path
from ..config.check import check_config
from ..config.held_datasets import reading_of
from ..config.load import PUBLISHED_CONFIG, load_config
from ..config.written import read_written, resolved
from ..datasets.image_reading import ImageReading
from ..models.binary_segmentor import BinarySegmentor
from ..models.distillation import Teacher
from .checkpoint_io import PUBLISHED_WEIGHTS, load_checkpoint, load_weights, refuse_remote
from .initial_weights import BEST, Start, end_of, weights_in
from .trained_with import image_size
from .weights_digest import weights_digest

#: Arguments of a model that only its own training has a use for; some of them name files.
_OF_ITS_TRAINING = ('losses', 'auxiliary_head', 'auxiliary_losses', 'edge_task', 'distillation')
_NAME_FILES = ('encoder_weights', 'init_cfg', 'loss_decode', 'pretrained')

#: What the names of weights begin with that no prediction needs.
_LEFT_OUT = ('auxiliary_head.', 'edge_task.')


@dataclass(frozen=True)
class ReadTeacher:
    """A teacher, and what its training says of its images.

    Attributes:
        teacher: the network, on the CPU.
        reading: how its images become channels.
        image_size: side, or [width, height], that its pipeline brings images to; '' for none.
        start: the images that it learned from; who learns from it knows of them too.
    """

    teacher: Teacher
    reading: ImageReading
    image_size: list[int] | int | str
    start: Start


def read_teacher(name: str) -> ReadTeacher:
    """Read a trained network and its config as data; nothing in them is executed.

    Args:
        name: path of a run folder (its ``best.pth``), of the folder of a published model, or of a
            checkpoint with its config beside it; relative to the working directory or the project.

    Raises:
        UserError: there is no such teacher, its config is not beside it or cannot be read without
            executing it, it is no BinarySegmentor, or the weights are not of it.
    """
    if '://' in name:
        refuse_remote(name)
    path = resolve_path(name)
    file = weights_in(path)
    if not file.is_file():
        found = f'the folder {path} holds no {BEST} and no {PUBLISHED_WEIGHTS}'
        raise UserError(
            f'teacher {name}: {found if path.is_dir() else f"there is no {path}"}; name the folder '
            'of a run or of a published model, or a checkpoint with its config beside it'
        )
    config = _config_beside(file, name)
    checkpoint = load_checkpoint(file)
    found = checkpoint.get('state_dict')
    if isinstance(found, dict):
        kept = {key: w for key, w in found.items() if not str(key).startswith(_LEFT_OUT)}
        checkpoint = {**checkpoint, 'state_dict': kept}
    with torch.random.fork_rng(devices=[]):  # the training's own numbers stay what they are
        model = _build(config.get('model'), name)
    load_weights(model, checkpoint, file)
    reading, size = _seen_images(config, name)
    start = end_of(file, checkpoint.get('meta'))
    teacher = Teacher(name, model, weights_digest(model.state_dict()))
    return ReadTeacher(teacher, reading, size, Start(images=start.images))


def _config_beside(file: Path, name: str) -> dict[str, Any]:
    """Return the config of a checkpoint, its variables put in, from the folder it lies in."""
    folder = file.parent
    if (folder / PUBLISHED_CONFIG).is_file():
        published: dict[str, Any] = load_config(folder).resolved.to_dict()
        return published
    values = read_written(folder)
    if values is None:
        raise UserError(
            f'teacher {name}: there is no config beside {file} (merged_config.json or config.py, '
            f'as a run has them, or {PUBLISHED_CONFIG}); name a checkpoint in the folder of its run'
        )
    return resolved(values, str(folder))


def _seen_images(config: dict[str, Any], name: str) -> tuple[ImageReading, list[int] | int | str]:
    """Return how the images of a config are read, and the size that they are brought to."""
    loaders = (config.get(f'{stage}_dataloader') for stage in ('test', 'val', 'train'))
    try:
        dataset: dict[str, Any] = next((loader['dataset'] for loader in loaders if loader), {})
        return reading_of(dataset), image_size(dataset)
    except (KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f'teacher {name}: the data set of its config is none '
            f'({type(error).__name__}: {error}); name a folder as a run or a publisher left it'
        ) from None


def _build(config: Any, name: str) -> BinarySegmentor:
    """Build the network of a config without what only its training needs."""
    named = config.get('type') if isinstance(config, dict) else None
    kind = MODELS.get(named) if isinstance(named, str) else None
    if not (inspect.isclass(kind) and issubclass(kind, BinarySegmentor)):
        found = repr(named) if isinstance(config, dict) else f'of type {type(config).__name__}'
        raise UserError(
            f'teacher {name}: its model is {found}, and a teacher is a BinarySegmentor; a class '
            'of your own inherits from it, and custom_imports of this config names its module'
        )
    network = _without_files(config)
    network = {key: item for key, item in network.items() if key not in _OF_ITS_TRAINING}
    source = f'teacher {name}'
    check_config(dict(model=network), source, dict(model=network))
    try:
        model: BinarySegmentor = MODELS.build(network | dict(losses=[]))
    except UserError as error:
        raise UserError(f'{source}: {error}') from None
    return model


def _without_files(value: Any) -> Any:
    """Return a part of a config without what names files to load: the weights are all there."""
    if isinstance(value, Mapping):
        return {k: _without_files(item) for k, item in value.items() if k not in _NAME_FILES}
    if isinstance(value, list | tuple):
        return [_without_files(item) for item in value]
    return value
