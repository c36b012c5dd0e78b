"""Whether what a network is trained on has the scale of what it is tested on."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mmengine.registry import MODELS

from ..base.errors import UserError
from ..models import BinarySegmentor

#: Steps that bring every image to one scale.
_RESIZES = ('Resize', 'ResizeForScoring')

#: Steps that draw a scale: nobody can say which is that of the test.
_DRAWN = ('RandomResize', 'RandomChoiceResize', 'RandomResizedCrop', 'RandomSizedCrop')

#: Steps of ours and of others that cut patches out of images.
_CROPS = ('RandomCrop', 'CropNonEmptyMaskIfExists')


def check_patches(config: Mapping[str, Any], pipelines: Mapping[str, Sequence[dict]]) -> None:
    """Refuse patches that are trained at one scale and tested at another, and scores of patches.

    A network that has learnt patches of photographs finds nothing in photographs that are shrunk as
    a whole, and no metric says why.

    Args:
        config: resolved config that the pipelines are of.
        pipelines: stage, 'train', 'val' or 'test' -> steps of its pipeline.

    Raises:
        UserError: images of a validation or test are resized and those of the training are not, or
            in another way; a validation or test crops at random; pictures that are seen in windows
            are put into batches, or seen by processes that share one network or by a model of one's
            own that knows no windows.
    """
    training = pipelines.get('train')
    for stage in ('val', 'test'):
        steps = pipelines.get(stage, ())
        slides = any(step.get('type') == 'SlidingWindow' for step in steps)
        if any(step.get('type') == 'RandomCrop' for step in steps):
            raise UserError(
                f'{stage}_dataloader: its pipeline has a RandomCrop, and would score patches; use '
                'SlidingWindow, which sees whole pictures in windows of the same size'
            )
        if training is not None:
            _check_scale(training, steps, stage, slides)
        if slides and config[f'{stage}_dataloader'].get('batch_size', 1) > 1:
            raise UserError(
                f'{stage}_dataloader.batch_size: pictures that are seen in windows come one '
                'by one; use batch_size=1 there, and batch_size of SlidingWindow for the windows'
            )
        name = config['model'].get('type')
        kind = name if inspect.isclass(name) else MODELS.get(str(name))
        if slides and not (inspect.isclass(kind) and issubclass(kind, BinarySegmentor)):
            raise UserError(
                f'SlidingWindow: a BinarySegmentor sees pictures in windows, and {name} is none; '
                'let its class inherit from BinarySegmentor'
            )
        if slides and config.get('shard'):
            raise UserError(
                'shard = True: each process waits for the others at each window, and pictures have '
                'not the same number of them; take SlidingWindow out, or train without shard'
            )


def _check_scale(training: Sequence[dict], steps: Sequence[dict], stage: str, slides: bool) -> None:
    names = [*map(name_of, _all(training))]
    ours = any(step.get('type') == 'RandomCrop' for step in training)
    before, after = _scales(training), _scales(steps)
    cut = slides or ours or (not before and {*names} & {*_CROPS})
    if not cut or before == after or {*names} & {*_DRAWN}:
        return
    raise UserError(
        f'patches of one scale, a test of another: {_said(before)} in train_pipeline, '
        f'{_said(after)} in the pipeline of {stage}_dataloader. Resize both alike (keep_ratio, '
        'too), or neither: base the data on configs/_base_/datasets/patches.py'
    )


def _scales(steps: Sequence[dict]) -> list[tuple]:
    """Return what the steps that resize do to the scale of an image."""
    return [
        (_pair(step.get('scale')), _pair(step.get('scale_factor')), bool(step.get('keep_ratio')))
        for step in steps
        if name_of(step) in _RESIZES
    ]


def _pair(value: Any) -> tuple | None:
    if value is None:
        return None
    return tuple(value) if isinstance(value, list | tuple) else (value, value)


def _said(scales: Sequence[tuple]) -> str:
    if not scales:
        return 'images as they are'
    return ', then '.join(
        ('x'.join(map(str, scale)) if scale else f'a factor of {factor[0]:g}')
        + (' with keep_ratio' if keeps else '')
        for scale, factor, keeps in scales
    )


def name_of(step: Mapping[str, Any]) -> str:
    """Return the name of a step without that of its library."""
    return str(step.get('type', '')).rpartition('.')[2]


def _all(steps: Sequence[dict]) -> Iterator[dict]:
    """Yield steps and the steps in them."""
    for step in steps:
        yield step
        inner = step.get('transforms')
        if isinstance(inner, list | tuple):
            yield from _all([one for one in inner if isinstance(one, dict)])
