"""MMSegmentation's decode heads in the place of ours."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

from mmengine.logging import print_log
from mmengine.registry import MODELS, DefaultScope

from ..base.errors import UserError


def is_of_mmseg(kind: Any) -> bool:
    """Say whether a class is a decode head of MMSegmentation."""
    if not inspect.isclass(kind) or not kind.__module__.startswith('mmseg.'):
        return False
    from mmseg.models.decode_heads.decode_head import BaseDecodeHead  # two seconds, seldom needed

    return issubclass(kind, BaseDecodeHead)


def build_mmseg_head(config: dict[str, Any], kind: Any, widths: Callable[[], list[int]]) -> Any:
    """Build a decode head of MMSegmentation for one logit, or for the two of a softmax.

    What is left out of ``in_index``, ``in_channels``, ``num_classes`` and ``out_channels`` is put
    in: all features where the head takes several, else the coarsest, and one logit. Its
    ``loss_decode`` is not used: the losses are those of the model.

    Args:
        config: config of the head, as MMSegmentation's configs have it.
        kind: class of the head.
        widths: function that returns the widths of the features, finest first.

    Raises:
        UserError: the head is of more than two classes, takes more than features (a cascade, text,
            masks), samples pixels for its own loss, or its arguments do not fit it.
    """
    _refuse_other_inputs(kind)
    values = dict(config)
    if values.pop('loss_decode', None) is not None:
        print_log(f'{kind.__name__}: loss_decode is not used; the model has losses', 'current')
    if values.pop('sampler', None) is not None:
        raise UserError(
            'decode_head.sampler: chooses pixels for loss_decode, which is not used; for the '
            "hardest pixels write dict(type='mmseg.OhemCrossEntropy') in losses"
        )
    if values.pop('threshold', None) is not None:
        raise UserError('decode_head.threshold: is not used; write it as threshold of the model')
    if 'num_classes' not in values:
        values |= dict(num_classes=2, out_channels=values.get('out_channels', 1))
    outputs = values.get('out_channels') or values['num_classes']
    if outputs not in (1, 2):
        raise UserError(
            f'decode_head: {kind.__name__} of {outputs} classes is none of a binary mask; leave '
            'num_classes out, or write 2'
        )
    if outputs == 1:
        values['threshold'] = 0.5  # else it warns of its own, which nothing uses
    choices = [values]
    if 'in_channels' not in values:
        found = widths()
        every = [*range(len(found))]
        indices: list[Any] = [values['in_index']] if 'in_index' in values else [-1, every]
        choices = [
            values | dict(in_index=index, in_channels=_chosen(found, index)) for index in indices
        ]
    for number, choice in enumerate(choices, 1):
        try:
            # Heads build parts of their library by names without it.
            with warnings.catch_warnings(), DefaultScope.overwrite_default_scope('mmseg'):
                warnings.simplefilter('ignore')  # advice about two classes
                return MODELS.build(choice)
        except (AssertionError, TypeError, KeyError, ValueError) as error:
            if number == len(choices):
                reason = ' '.join(str(error).split()) or type(error).__name__
                raise UserError(f'decode_head: {kind.__name__}: {reason}') from None
    raise AssertionError('there is always a choice')


def _chosen(widths: list[int], index: int | list[int]) -> int | list[int]:
    try:
        return widths[index] if isinstance(index, int) else [widths[one] for one in index]
    except IndexError:
        raise UserError(
            f'decode_head: in_index={index} is not allowed; there are {len(widths)} features'
        ) from None


def _refuse_other_inputs(kind: Any) -> None:
    """Refuse a head that is given more than the features."""
    _, _, *others = inspect.signature(kind.forward).parameters.values()
    needed = [one for one in others if one.default is one.empty]
    more = [one.name for one in needed if one.kind is not one.VAR_KEYWORD]
    if more:
        raise UserError(
            f'decode_head: {kind.__name__} needs {", ".join(more)} beside the features, which a '
            'BinarySegmentor does not have'
        )
