"""What a config changes against the one that a checkpoint was trained with, where it matters."""

from collections.abc import Mapping
from typing import Any

from ..base.errors import UserError
from ..config.held_datasets import pipeline_of, reading_of
from ..config.written import parse_code, resolved


def image_size(dataset: Mapping[str, Any]) -> list[int] | int | str:
    """Return the size that a pipeline brings images to: a side, [width, height], or '' for none."""
    # The scale of an augmentation, as of RandomAffine, is a range of factors.
    resizing = (step for step in pipeline_of(dataset) if 'Resize' in str(step.get('type')))
    scale = next((step['scale'] for step in resizing if step.get('scale')), '')
    return [*scale] if isinstance(scale, list | tuple) else scale


def windows(dataset: Mapping[str, Any]) -> dict[str, float] | None:
    """Return ``size`` and ``overlap`` of the windows that images are seen in, or None."""
    for step in pipeline_of(dataset):
        if step.get('type') == 'SlidingWindow':
            return dict(size=step['size'], overlap=step.get('overlap', 0.25))
    return None


def other_than_trained(meta: Mapping[str, Any], config: Mapping[str, Any]) -> list[str]:
    """Return a line for each setting under which the weights were not trained.

    Args:
        meta: ``meta`` of a checkpoint; if that does not hold its config, there is no line.
        config: resolved config of a test or a prediction.
    """
    try:
        before = resolved(parse_code(meta['config'], 'the config of the checkpoint'), '')
        found = [_settings(one) for one in (before, config)]
    except (
        KeyError,
        TypeError,
        AttributeError,
        StopIteration,
        UserError,
    ):  # of an older or a foreign checkpoint
        return []
    return [
        f'{name}: {_shown(now)} here, {_shown(then)} in the training of these weights'
        for (name, then), now in zip(found[0].items(), found[1].values(), strict=True)
        if then != now
    ]


def _settings(config: Mapping[str, Any]) -> dict[str, Any]:
    preprocessor = config['model'].get('data_preprocessor') or {}
    # A checkpoint does not hold the test of its config; its validation sees the same.
    loaders = (config.get(f'{stage}_dataloader') for stage in ('test', 'val', 'train'))
    dataset = next(loader['dataset'] for loader in loaders if loader)
    return {
        'image size': _pair(image_size(dataset)),
        'windows': [seen['size']] * 2 if (seen := windows(dataset)) else 'none',
        'images read as': str(reading_of(dataset)),
        **{
            f'normalisation ({key})': _plain(preprocessor.get(key))
            for key in ('mean', 'std', 'per_image')
        },
    }


def _pair(size: list[int] | int | str) -> Any:
    return [size, size] if isinstance(size, int) else size


def _plain(value: Any) -> Any:
    return [float(item) for item in value] if isinstance(value, list | tuple) else value


def _shown(value: Any) -> str:
    if isinstance(value, list):
        separator = 'x' if len(value) == 2 else ', '
        return separator.join(f'{item:g}' for item in value)
    return 'as it is' if value in ('', None) else str(value)
