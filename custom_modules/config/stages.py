"""Training, validation and test of a config: there with all they need, or not at all."""

from collections.abc import Mapping
from typing import Any

from ..base.errors import UserError

#: What belongs together: a loader, its loop, and what the loop feeds.
STAGES = {
    'train': ('train_dataloader', 'train_cfg', 'optim_wrapper'),
    'val': ('val_dataloader', 'val_cfg', 'val_evaluator'),
    'test': ('test_dataloader', 'test_cfg', 'test_evaluator'),
}


def check_stages(config: Mapping[str, Any], source: str) -> None:
    """Refuse a stage that is there in part.

    Raises:
        UserError: a part of a stage is missing; the message names all that it needs.
    """
    for stage, keys in STAGES.items():
        if any(config.get(key) for key in keys):
            require_stage(config, stage, source)


def require_stage(config: Mapping[str, Any], stage: str, source: str) -> None:
    """Refuse a config that lacks what a tool needs of it.

    Args:
        config: resolved config that a tool is to work with.
        stage: stage that the tool needs: 'train', 'val' or 'test'.
        source: config file's path, for messages.

    Raises:
        UserError: a part of the stage is missing; the message names all that it needs.
    """
    for key in STAGES[stage]:
        if not config.get(key):
            raise UserError(
                f'{source}: {key} = {config.get(key)!r} is not allowed here; this needs '
                f'{", ".join(STAGES[stage])}, each a dict'
            )
