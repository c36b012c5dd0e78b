"""What a training needs, asked before anything is made."""

import inspect

from mmengine.config import Config
from mmengine.registry import HOOKS, LOOPS

from ..base.errors import UserError
from ..config.channels_check import check_channels
from ..config.stages import require_stage
from ..distributed.processes import workers_of
from .hooks.best_and_last_hook import BestAndLastCheckpoint
from .image_size_check import check_image_size
from .loops import ResumableTrainLoop

#: Hooks of the stack that would do nothing, or what nobody finds again.
_INSTEAD = {
    'CheckpointHook': 'would write beside the run, where --resume does not look; use '
    "dict(type='BestAndLastCheckpoint', monitor='Dice', keep_epochs=...)",
    'SegVisualizationHook': 'would draw nothing; ValidationPicturesHook draws in a training, and '
    'tools/test.py --out every mask',
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
            "where it stopped; use 'ResumableTrainLoop', with max_epochs, val_begin and "
            'val_interval in epochs (steps / (images / batch_size) of them)'
        )
    if config.get('val_dataloader') is None:
        watching = [one for one in _schedules(config) if 'ReduceOnPlateau' in str(one.get('type'))]
        if watching:
            raise UserError(
                f'{config.filename}: {watching[0]["type"]} watches the validation, and there is '
                'none; add val_dataloader, val_cfg and val_evaluator, or take another schedule'
            )
    hooks = [*(config.get('default_hooks') or {}).values(), *(config.get('custom_hooks') or [])]
    classes = [HOOKS.get(hook['type']) for hook in hooks if hook]
    for one in classes:
        if inspect.isclass(one) and one.__name__ in _INSTEAD:
            raise UserError(f'{config.filename}: the hook {one.__name__} {_INSTEAD[one.__name__]}')
    if not any(inspect.isclass(one) and issubclass(one, BestAndLastCheckpoint) for one in classes):
        raise UserError(
            f'{config.filename}: no hook would keep best.pth and last.pth; use '
            "default_hooks.checkpoint = dict(type='BestAndLastCheckpoint', monitor='Dice')"
        )


def _schedules(config: Config) -> list[dict]:
    found = config.get('param_scheduler') or []
    return [found] if isinstance(found, dict) else [*found]
