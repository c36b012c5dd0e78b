"""The data sets that a config's data set holds: ConcatDataset, RepeatDataset, anybody's own."""

from collections.abc import Mapping
from typing import Any

from mmengine.registry import DATASETS

from ..datasets.image_reading import ImageReading
from .signatures import parameters

#: Keys under which a data set holds others, as MMEngine's and mmsegmentation's do.
HOLDS = ('dataset', 'datasets')


def held_datasets(dataset: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the data sets that read files: those inside of ``dataset``, or itself.

    Args:
        dataset: settings of a data set in a resolved config, such as
            ``train_dataloader['dataset']``.
    """
    inner = [item for key in HOLDS if key in dataset for item in _listed(dataset[key])]
    return [one for item in inner for one in held_datasets(item)] or [dataset]


def pipeline_of(dataset: Mapping[str, Any]) -> list[dict]:
    """Return the steps that pictures go through; of several data sets those of the first.

    Steps may be empty: a data set of one's own may do without.
    """
    return next((list(one['pipeline']) for one in held_datasets(dataset) if 'pipeline' in one), [])


def reading_of(dataset: Mapping[str, Any]) -> ImageReading:
    """Return how images are read; of several data sets as the first of them reads its own.

    Raises:
        UserError: a value of ``image_reading`` is not allowed.
    """
    given = (one['image_reading'] for one in held_datasets(dataset) if 'image_reading' in one)
    return ImageReading.of(next(given, None))


def described(dataset: Mapping[str, Any], key: str) -> str:
    """Return what the data sets have under a key, each value once: ``'test'``, ``'val + test'``."""
    values = [str(one.get(key, '')) for one in held_datasets(dataset)]
    return ' + '.join(dict.fromkeys(filter(None, values)))


def changed(dataset: Mapping[str, Any], **settings: object) -> dict[str, Any]:
    """Return a data set whose inner ones have other settings, as far as their classes take them."""
    if any(key in dataset for key in HOLDS):
        inner = {
            key: [changed(item, **settings) for item in dataset[key]]
            if isinstance(dataset[key], list | tuple)
            else changed(dataset[key], **settings)
            for key in HOLDS
            if key in dataset
        }
        return {**dataset, **inner}
    taken = parameters(DATASETS.get(dataset['type'])) or set()
    return {**dataset, **{key: value for key, value in settings.items() if key in taken}}


def _listed(value: Any) -> list[Mapping[str, Any]]:
    items = value if isinstance(value, list | tuple) else [value]
    return [item for item in items if isinstance(item, Mapping)]
