"""Which images a data set has: those it shares with another, and whether they have changed."""

import hashlib
from pathlib import Path

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from ..base.errors import UserError
from .list_file import some


def image_marks(dataset: BaseDataset) -> dict[str, str]:
    """Return a mark for the file of each image: 16 hexadecimal digits of its name and size.

    A file has the same mark in another folder, and a file of the same name in other data has
    another. Marks say nothing of names, so that a checkpoint can hold them.

    Returns:
        Mark -> file; empty for a data set that does not say which files it has.
    """
    return {image_mark(file): file for file in _files(dataset)}


def _files(dataset: BaseDataset) -> list[str]:
    if not hasattr(dataset, 'get_data_info'):
        return []
    entries = (dataset.get_data_info(index) for index in range(len(dataset)))
    return sorted({entry['img_path'] for entry in entries if 'img_path' in entry})


def image_mark(file: str) -> str:
    """Return the mark of a file, see ``image_marks``."""
    try:
        size = Path(file).stat().st_size
    except OSError:
        size = -1  # the reader will say what is wrong
    text = f'{Path(file).name}\0{size}'
    return hashlib.sha256(text.encode('utf-8', 'surrogateescape')).hexdigest()[:16]


def shared_images(learned: BaseDataset, measured: BaseDataset) -> list[str]:
    """Return the files of ``measured`` that are in ``learned`` too."""
    known = set(image_marks(learned))
    return [file for file in _files(measured) if image_mark(file) in known]


def learned_marks(marks: list[str] | None, config: dict) -> set[str]:
    """Return the marks of the images that a network has learned from.

    Args:
        marks: marks of the images that a checkpoint was trained on; None where it does not say.
        config: config whose ``train_dataloader`` tells the training images where ``marks`` is None,
            if they are there.
    """
    if isinstance(marks, list):
        return {mark for mark in marks if isinstance(mark, str)}
    settings = config.get('train_dataloader', {}).get('dataset', {})
    plain = dict(pipeline=[], cache=False, serialize_data=False)
    try:
        return set(image_marks(DATASETS.build({**settings, **plain}))) if settings else set()
    except (UserError, TypeError):  # no data, or data sets of others, which take other arguments
        return set()


def trained_on(marks: list[str] | None, config: dict, measured: BaseDataset) -> list[str]:
    """Return the files of a test that the network has learned from.

    They are there when a config tells training and test of different splits, or when images or
    lists were added after the training and the splits are drawn anew.

    Args:
        marks: marks of the training images, see ``learned_marks``.
        config: config of the training, see there.
        measured: data set of the test.
    """
    known = learned_marks(marks, config)
    return [file for file in _files(measured) if image_mark(file) in known]


def shared_line(shared: list[str], measured: str) -> str:
    """Return what to say of shared images: ``measured`` is 'validation' or 'tested'."""
    return (
        f'warning: {len(shared):,} of the {measured} images are training images, whose metrics are '
        f'too good: {some(shared)}; give all splits the same lists, split_seed and fractions, and '
        'write lists before images are added'
    )
