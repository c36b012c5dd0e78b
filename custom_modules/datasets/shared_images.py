"""Which images a data set has: those it shares with another, and whether they have changed."""

import hashlib
from pathlib import Path

from mmengine.dataset import BaseDataset
from mmengine.registry import DATASETS

from ..errors import UserError
from .binary_seg_dataset import BinarySegDataset
from .list_file import some


def shared_images(learned: BaseDataset, measured: BaseDataset) -> list[str]:
    """Return the files of ``measured`` that are in ``learned`` too, each once and sorted.

    Two data sets of one config share images where they are told of different splits: one has
    another ``split_seed``, or ``split='all'``.
    """
    return sorted(_files(learned) & _files(measured))


def shared_with_training(config: dict, measured: BaseDataset) -> list[str]:
    """Return the files of ``measured`` that the training of a config learns from.

    Args:
        config: with ``train_dataloader``; where its images are not there, none is shared.
        measured: the data set of a test.
    """
    settings = config.get('train_dataloader', {}).get('dataset', {})
    if not isinstance(measured, BinarySegDataset) or not settings:
        return []
    plain = dict(pipeline=[], cache=False, serialize_data=False)
    try:
        learned = DATASETS.build({**settings, **plain})
    except UserError:
        return []
    return shared_images(learned, measured)


def shared_line(shared: list[str], measured: str) -> str:
    """Return what to say of shared images: ``measured`` is 'validation' or 'tested'."""
    return (
        f'warning: {len(shared):,} of the {measured} images are training images, whose figures are '
        f'too good: {some(shared)}; give both the same lists, split_seed and fractions'
    )


def images_digest(dataset: BaseDataset) -> str:
    """Return a digest of the names of a data set's images, whatever their order and folder."""
    names = sorted(Path(file).name for file in _files(dataset))
    return hashlib.sha256('\0'.join(names).encode('utf-8', 'surrogateescape')).hexdigest()


def _files(dataset: BaseDataset) -> set[str]:
    entries = (dataset.get_data_info(index) for index in range(len(dataset)))
    return {entry['img_path'] for entry in entries if 'img_path' in entry}
