"""What a training needs, asked before anything is made."""

import inspect

from mmengine.config import Config
from mmengine.registry import HOOKS, LOOPS

from ..base.errors import UserError
from ..config.channels_check import check_channels
from ..config.held_datasets import held_datasets
from ..config.stages import require_stage
from ..distributed.processes import workers_of
from .hooks.best_and_last_hook import BestAndLastCheckpoint
from .hooks.freeze_hook import FreezeHook
from .image_size_check import check_image_size
from .loops import ResumableIterLoop, ResumableTrainLoop

#: Hooks of the stack that would do nothing, or what nobody finds again.
_INSTEAD = {
    'CheckpointHook': 'would write beside the run, where --resume does not look; use '
    "dict(type='BestAndLastCheckpoint', monitor='Dice', keep_epochs=...)",
    'SegVisualizationHook': 'would draw nothing; ValidationPicturesHook draws in a training, and '
    'tools/test.py --out every mask',
}

#: Of MMEngine's hooks, what would be wrong without them and say nothing.
_NEEDED = {
    'runtime_info': 'losses and learning rate would be noted nowhere',
    'sampler_seed': 'every epoch would have the images in one order, augmented alike',
}


def check_training(config: Config) -> None:
    """Refuse a config that cannot be trained here, or of whose training nothing would be left.

    Raises:
        UserError: the config cannot be trained; the message names what is missing, or how many
            workers this machine takes.
    """
    require_stage(config, 'train', config.filename)
    workers_of(config.train_dataloader.get('num_workers', 0))
    check_channels(config)
    check_image_size(config)
    loop = LOOPS.get(config.train_cfg.get('type', ''))
    if not (inspect.isclass(loop) and issubclass(loop, ResumableTrainLoop)):
        raise UserError(
            f'{config.filename}: train_cfg.type = {config.train_cfg.get("type")!r} cannot go on '
            "where it stopped; use 'ResumableTrainLoop' with max_epochs, or 'ResumableIterLoop' "
            'with max_iters and val_interval in steps'
        )
    length = 'max_iters' if issubclass(loop, ResumableIterLoop) else 'max_epochs'
    if length not in config.train_cfg:
        raise UserError(f'{config.filename}: train_cfg has no {length}; say how long to train')
    _check_sampler(config)
    if length == 'max_iters':
        _check_steps(config)
    _check_spans(config)
    _check_validations(config, length)
    if config.get('val_dataloader') is None:
        watching = [one for one in _schedules(config) if 'ReduceOnPlateau' in str(one.get('type'))]
        if watching:
            raise UserError(
                f'{config.filename}: {watching[0]["type"]} watches the validation, and there is '
                'none; add val_dataloader, val_cfg and val_evaluator, or take another schedule'
            )
    _check_taken_out(config)
    hooks = [*(config.get('default_hooks') or {}).values(), *(config.get('custom_hooks') or [])]
    classes = [HOOKS.get(hook['type']) for hook in hooks if hook]
    for hook in hooks:
        if hook and HOOKS.get(hook['type']) is FreezeHook:
            _check_freezing(config, hook['until'], length)
    for one in classes:
        if inspect.isclass(one) and one.__name__ in _INSTEAD:
            raise UserError(f'{config.filename}: the hook {one.__name__} {_INSTEAD[one.__name__]}')
    if not any(inspect.isclass(one) and issubclass(one, BestAndLastCheckpoint) for one in classes):
        raise UserError(
            f'{config.filename}: no hook would keep best.pth and last.pth; use '
            "default_hooks.checkpoint = dict(type='BestAndLastCheckpoint', monitor='Dice')"
        )


def _check_taken_out(config: Config) -> None:
    """Refuse a None in place of a hook that something else lives on."""
    needed = dict(_NEEDED)
    if _schedules(config):
        needed['param_scheduler'] = (
            'the schedules would stand still (param_scheduler = [] keeps the rate as it is)'
        )
    data = held_datasets(config.train_dataloader['dataset'])
    if any(one.get('unreadable') == 'skip' for one in data):
        needed['unreadable'] = "unreadable = 'skip' would leave out any number of images unsaid"
    hooks = config.get('default_hooks') or {}
    for name, reason in needed.items():
        if name in hooks and hooks[name] is None:
            raise UserError(
                f'{config.filename}: default_hooks.{name} = None is not allowed here: {reason}; '
                'leave the hook in'
            )


def _check_freezing(config: Config, until: int, name: str) -> None:
    """Refuse parts that would be frozen for longer than the training, or of a sharded model."""
    if until > config.train_cfg[name]:
        raise UserError(
            f'{config.filename}: FreezeHook: until = {until:,} is after the end of the training, '
            f'{name} = {config.train_cfg[name]:,}; use at most that'
        )
    if config.get('shard'):
        raise UserError(
            f'{config.filename}: FreezeHook does not know sharded weights; take shard = True out, '
            'or freeze for good with model.backbone.frozen_stages'
        )


def _check_sampler(config: Config) -> None:
    """Refuse a sampler without end: there would be no second time through the images."""
    sampler = config.train_dataloader.get('sampler') or {}
    if sampler.get('type') in ('InfiniteSampler', 'mmengine.InfiniteSampler'):
        raise UserError(
            f'{config.filename}: train_dataloader.sampler.type = {sampler["type"]!r} never ends an '
            "epoch; use 'SeededSampler': the loop goes through the images again and again"
        )


def _check_steps(config: Config) -> None:
    """Refuse what would hardly ever happen in a training of steps: epochs, a late validation."""
    steps, interval = config.train_cfg['max_iters'], config.train_cfg.get('val_interval', 1)
    if interval > steps:
        raise UserError(
            f'{config.filename}: train_cfg.val_interval = {interval:,} is more than max_iters = '
            f'{steps:,}; use at most max_iters, both are numbers of steps'
        )
    for number, one in enumerate(_schedules(config)):
        place = f'{config.filename}: param_scheduler.{number} ({one.get("type")})'
        if 'ReduceOnPlateau' in str(one.get('type')):  # counts validations
            continue
        if one.get('by_epoch', True):
            raise UserError(
                f'{place} counts epochs, and the training steps; write by_epoch=False, with its '
                'begin, end and other numbers in steps'
            )
        if one.get('begin', 0) >= steps:
            raise UserError(
                f'{place}: begin = {one["begin"]:,} is not before the end of the training, '
                f'max_iters = {steps:,}; use a smaller one'
            )


def _check_validations(config: Config, name: str) -> None:
    """Refuse a first validation after the end, which is ``name``: there would be no best.pth."""
    loop = config.train_cfg
    begin = loop.get('val_begin', 1)
    if begin > loop[name]:
        raise UserError(
            f'{config.filename}: train_cfg.val_begin = {begin:,} is after the end of the training, '
            f'{name} = {loop[name]:,}; use a smaller one'
        )


def _check_spans(config: Config) -> None:
    """Refuse a schedule that ends before it begins, which MMEngine says as a failed assertion."""
    for number, one in enumerate(_schedules(config)):
        begin, end = one.get('begin', 0), one.get('end')
        if end is not None and end <= begin:
            raise UserError(
                f'{config.filename}: param_scheduler.{number} ({one.get("type")}): end = {end:,} '
                f'is not after begin = {begin:,}; use a larger end'
            )


def _schedules(config: Config) -> list[dict]:
    found = config.get('param_scheduler') or []
    return [found] if isinstance(found, dict) else [*found]
