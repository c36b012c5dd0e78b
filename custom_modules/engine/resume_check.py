"""What differs between a run and the config it is resumed with."""

from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process

from ..config import load_config
from ..config.differences import differences, merged
from ..errors import UserError

#: What a run must keep: another network, or other images in its splits, make it another run.
FIXED_MODEL = ('type', 'backbone', 'decode_head')
FIXED_DATASET = ('type', 'split', 'border', 'fractions', 'split_seed', 'n_aug', 'indices')


def check_resume(run: Path, config: Config, allow_changes: bool = False) -> None:
    """Print what differs from the run's own ``config.py`` and refuse what must not differ.

    Args:
        run: folder of the run.
        config: of ``load_config``, with which the run is to go on.
        allow_changes: refuse nothing.

    Raises:
        UserError: the network or the split of the data differs.
    """
    path = run / 'config.py'
    try:
        before = load_config(path)
    except UserError as error:
        if is_main_process():
            print(f'resume: the config of the run is not compared ({error})')
        return
    changes = list(differences(merged(before), merged(config)))
    if is_main_process():
        for key, old, new in changes:
            print(f'resume: {key} was {old}, is {new}')
    refused = list(differences(_fixed(before), _fixed(config)))
    if refused and not allow_changes:
        key, old, new = refused[0]
        raise UserError(
            f'--resume {run}: {key} was {old}, is {new}. That would be another run: start a new '
            'one, or go on all the same with --allow-changes'
        )


def _fixed(config: Config) -> dict:
    stages = {
        stage: {key: config[stage]['dataset'].get(key) for key in FIXED_DATASET}
        for stage in ('train_dataloader', 'val_dataloader')
        if stage in config
    }
    return dict(model={key: config.model.get(key) for key in FIXED_MODEL}, **stages)
