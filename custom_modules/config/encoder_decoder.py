"""A model of MMSegmentation's configs, ``EncoderDecoder``, as the BinarySegmentor that it means.

So a model file of MMSegmentation is a base like any other. The classes stay MMSegmentation's; what
it says of losses, windows and normalisation is put where those are here.
"""

import sys
from collections.abc import Callable
from typing import Any

from ..base.errors import UserError
from .registered import registered

_KIND = 'EncoderDecoder'
_CASCADE = 'CascadeEncoderDecoder'

#: Variables that the models of this project use, by the key of the model that they are for. Where a
#: recipe sets them they are used for MMSegmentation's models too; those of a base stay unused.
_USED = {
    'losses': 'losses',
    'data_preprocessor': 'preprocessor',
    'init_cfg': 'weight_init',
    'threshold': 'threshold',
    'resolution': 'resolution',
}
VARIABLES = frozenset(_USED.values()) | {'in_channels', 'width'}

#: What of MMSegmentation's preprocessor pads a batch: images of one size need none.
_PADDING = {'type', 'size', 'size_divisor', 'pad_val', 'seg_pad_val', 'test_cfg', 'bgr_to_rgb'}


def is_encoder_decoder(model: Any) -> bool:
    """Say whether a model of a config is one that MMSegmentation's configs write."""
    kind = model.get('type') if isinstance(model, dict) else None
    return isinstance(kind, str) and kind.removeprefix('mmseg.') in (_KIND, _CASCADE)


def as_binary_segmentor(model: dict[str, Any], variables: set[str]) -> dict[str, Any]:
    """Return the config of a BinarySegmentor that means what an EncoderDecoder's config says.

    Args:
        model: ``model`` of a config, merged. Keys that BinarySegmentor has too stay.
        variables: top-level keys that the recipe sets; those of ``VARIABLES`` that have a place in
            a BinarySegmentor are used there, whatever the model says.

    Raises:
        UserError: the model is more than a BinarySegmentor can be: a cascade of heads, auxiliary
            heads with other losses each, weights to be fetched, settings of a training or test
            that are not known. The message says what to write instead.
    """
    model = dict(model)
    if model.pop('type').endswith(_CASCADE):
        raise UserError(
            f'model: {_CASCADE} has heads that take the masks of others, which a BinarySegmentor '
            'does not; use its last head alone, or an EncoderDecoder'
        )
    _check_pretrained(model.pop('pretrained', None))
    if model.pop('train_cfg', None):
        raise UserError('model.train_cfg: nothing of it is known here; remove it')
    _check_test(model.pop('test_cfg', None) or {})
    found: dict[str, Any] = dict(type='BinarySegmentor')
    found['data_preprocessor'] = _preprocessor(model.pop('data_preprocessor', None))
    head = model.get('decode_head')
    losses = _losses(head, 'decode_head')
    auxiliary = model.get('auxiliary_head')
    if auxiliary is not None:
        heads = [*auxiliary] if isinstance(auxiliary, list | tuple) else [auxiliary]
        found |= dict(auxiliary_losses=_auxiliary(heads) or None, auxiliary_weight=1.0)
    if losses:
        found['losses'] = losses
    # A published model has to say it. One channel is cut at 0.3 there if nothing is said.
    told = head.get('threshold') if isinstance(head, dict) else None
    found['threshold'] = 0.5 if told is None else told
    found |= _of_mmseg(_without(_without(model, 'loss_decode'), 'threshold'))
    return found | {key: f'${name}' for key, name in _USED.items() if name in variables}


def _check_pretrained(path: str | None) -> None:
    if path is not None:
        raise UserError(
            f'model.pretrained={path!r}: nothing is fetched; write pretrained=None, and '
            'init = FILE above the model, for a file that is here'
        )


def _check_test(settings: dict[str, Any]) -> None:
    mode = settings.get('mode', 'whole')
    if mode not in ('whole', 'slide'):
        raise UserError(f"model.test_cfg.mode={mode!r} is not allowed; use 'whole' or 'slide'")
    if mode == 'slide':
        _note(
            'model.test_cfg: whole images are seen as the data set gives them; for patches in '
            'training and windows in a test use _base_/datasets/binary_mask_patches.py'
        )


def _preprocessor(config: Any) -> Any:
    """Return the normalisation of MMSegmentation's preprocessor as ours; other ones as they are."""
    if not isinstance(config, dict) or 'SegDataPreProcessor' not in str(config.get('type')):
        return config
    unknown = config.keys() - _PADDING - {'mean', 'std', 'rgb_to_bgr', 'batch_augments'}
    if unknown or config.get('rgb_to_bgr') or config.get('batch_augments'):
        first = min(unknown, default='batch_augments, or rgb_to_bgr')
        raise UserError(f'model.data_preprocessor: {first} is not known here; remove it')
    mean, std = config.get('mean'), config.get('std')
    if mean is None or std is None:
        mean, std = [0.0] * 3, [1.0] * 3  # what no normalisation is
    if len(mean) == 3 and not config.get('bgr_to_rgb', False):
        raise UserError(
            'model.data_preprocessor: networks see red, green and blue here; write '
            'bgr_to_rgb=True, and mean and std in this order'
        )
    return dict(type='BinarySegPreprocessor', mean=[*mean], std=[*std], in_channels=len(mean))


def _losses(head: Any, place: str) -> list[dict[str, Any]]:
    """Return the losses of a head as those of a model."""
    written = head.get('loss_decode') if isinstance(head, dict) else None
    if written is None:
        return []
    every = written if isinstance(written, list | tuple) else [written]
    return [_loss(dict(loss), f'model.{place}.loss_decode') for loss in every]


def _loss(loss: dict[str, Any], place: str) -> dict[str, Any]:
    kind = str(loss.get('type')).removeprefix('mmseg.')
    if kind == 'CrossEntropyLoss':  # the mean over the pixels that count, as of all losses here
        loss.setdefault('avg_non_ignore', True)
    if kind != 'DiceLoss':
        return _of_mmseg(loss)
    kept = {key: value for key, value in loss.items() if key in ('loss_weight', 'loss_name')}
    _note(f'{place}: BinaryDiceLoss takes the place of DiceLoss, which counts ignored pixels')
    return dict(type='BinaryDiceLoss', **kept)


def _auxiliary(heads: list[Any]) -> list[dict[str, Any]]:
    """Return the losses of the auxiliary heads, which have the same here."""
    found = [_losses(head, 'auxiliary_head') for head in heads]
    if any(one != found[0] for one in found):
        raise UserError(
            'model.auxiliary_head.loss_decode: auxiliary heads have the same losses here; write '
            'one loss_decode, with one loss_weight, in all of them'
        )
    return found[0]


def _note(text: str) -> None:
    print(f'note: {text}', file=sys.stderr)


def _without(value: Any, key: str) -> Any:
    """Return a value without a key, in its dicts and their dicts."""
    return _in_dicts(value, lambda one: {name: one[name] for name in one if name != key})


def _of_mmseg(value: Any) -> Any:
    """Return a value whose types are found from here, and without BatchNorm of several processes.

    That one runs on GPUs alone; ``sync_bn`` puts it in where there are several processes.
    """

    def named(one: dict[str, Any]) -> dict[str, Any]:
        kind = one.get('type')
        if kind == 'SyncBN':
            return {**one, 'type': 'BN'}
        if isinstance(kind, str) and '.' not in kind:
            classes = registered(f'mmseg.{kind}')
            if any(found.__module__.startswith('mmseg.') for found in classes):
                return {**one, 'type': f'mmseg.{kind}'}
        return one

    return _in_dicts(value, named)


def _in_dicts(value: Any, change: Callable[[dict[str, Any]], dict[str, Any]]) -> Any:
    if isinstance(value, dict):
        return {key: _in_dicts(item, change) for key, item in change(dict(value)).items()}
    if isinstance(value, list | tuple):
        return type(value)(_in_dicts(item, change) for item in value)
    return value
