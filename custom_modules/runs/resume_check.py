"""What differs between a run and the config it is resumed with."""

from pathlib import Path
from typing import Any

from mmengine.dist import is_main_process
from mmengine.registry import MODELS

from ..base.errors import UserError
from ..base.paths import short_path
from ..base.shell import shell_command
from ..config import LoadedConfig
from ..config.differences import ABSENT, as_data, differences
from ..config.signatures import defaults
from ..config.written import CODE, read_written, resolved
from ..datasets.image_reading import ImageReading

#: What a run must keep: another network, or other images in its splits, make it another run.
FIXED_MODEL = ('type', 'backbone', 'neck', 'decode_head', 'auxiliary_head', 'edge_task')
FIXED_DATASET = (
    'type',
    'split',
    'border',
    'fractions',
    'split_seed',
    'n_aug',
    'indices',
    'exclude',
    'image_reading',
)
#: Parts of a model whose arguments are their classes' own where a config leaves them out.
PARTS = ('backbone', 'neck', 'decode_head')


def check_resume(run: Path, config: LoadedConfig, allow_changes: bool = False) -> None:
    """Print what differs from the run's own config, read as data, and refuse what must not differ.

    Args:
        run: folder of the run.
        config: config that the run is to go on with.
        allow_changes: whether to refuse nothing.

    Raises:
        UserError: the network or the split of the data differs.
    """
    try:
        before = read_written(run)
        if before is None:
            raise UserError(f'{run}: holds none')
        fixed = _fixed(resolved(before, str(run)))
    except UserError as error:
        if is_main_process():
            print(f'resume: the config of the run is not compared ({error})')
        return
    changes = list(differences(before, config.data))
    if is_main_process():
        for key, old, new in changes:
            if old == ABSENT and str(new).startswith('$'):
                continue  # of a variable that came later its own line tells
            print(f'resume: {key} was {old}, is {new}')
    refused = list(differences(fixed, _fixed(as_data(config.resolved.to_dict()))))
    if refused and not allow_changes:
        key, old, new = refused[0]
        command = shell_command('train', short_path(run / CODE), '--resume', run.name)
        raise UserError(
            f'--resume {run}: {key} was {old}, is {new}. Give the --cfg-options of before, or go '
            f'on with the config of the run: {command}. With this one it would be another run: '
            'start it without --resume, or go on all the same with --allow-changes'
        )


def _fixed(config: dict[str, Any]) -> dict[str, Any]:
    stages: dict[str, Any] = {
        stage: {key: _dict(_dict(config[stage]).get('dataset')).get(key) for key in FIXED_DATASET}
        for stage in ('train_dataloader', 'val_dataloader')
        if stage in config
    }
    for stage in stages.values():
        stage['image_reading'] = ImageReading.of(stage['image_reading']).settings()
    model = _dict(config.get('model'))
    kept: dict[str, Any] = {key: model.get(key) for key in FIXED_MODEL}
    kept |= {part: _whole(kept[part]) for part in PARTS if kept[part]}
    return dict(model=kept, **stages)


def _whole(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part of a model with the arguments that it leaves out: some came after a run."""
    return as_data(defaults(MODELS.get(part.get('type', ''))) | part)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
