"""What ``tools/publish.py`` does."""

from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..base.json_file import write_json
from ..base.paths import make_writable
from ..base.stopping import signals_wait
from ..base.whole_file import staging_folder, whole_file
from ..config import LoadedConfig
from ..config.data_types import SECTIONS
from ..config.load import PUBLISHED_CONFIG
from ..config.untrusted import read_data_config
from ..export.model_card import model_card
from ..runs.checkpoint_io import PUBLISHED_WEIGHTS, load_checkpoint
from ..runs.metrics_json import read_metrics
from ..runs.published_folder import CARD, METRICS, ONNX
from ..runs.safetensors_io import save_safetensors
from .export import compare_bfloat16, export


def publish(
    config: LoadedConfig,
    checkpoint: str,
    folder: Path,
    *,
    metrics: Path | None = None,
    images: int = 200,
    overwrite: bool = False,
) -> list[Path]:
    """Write a folder with all that a user of a trained model needs, and nothing that is executed.

    ``model.safetensors``, ``model.onnx`` (compared with PyTorch), ``config.json`` (resolved),
    ``metrics.json``, ``README.md`` (the model card). The folder appears whole or not at all. Its
    threshold is the one that the metrics were made with; its precision is 'auto' if bfloat16 keeps
    the masks on these images, 'fp32' if it does not, that of the config if nothing was compared.

    Args:
        config: loaded config of the model.
        checkpoint: ``.pth`` file with the trained weights.
        folder: folder to write.
        metrics: ``metrics.json`` of a test of this checkpoint; None takes the one beside it.
        images: number of test images to compare the ONNX file and bfloat16 on; 0 compares nothing.
        overwrite: whether a folder that ``publish`` wrote before is replaced.

    Returns:
        Paths of the files in the folder, sorted.

    Raises:
        UserError: the folder is there, there are no metrics, the checkpoint is of another model, or
            the config names modules of one's own for more than metrics.
        OutOfToleranceError: the ONNX file gives other masks.
    """
    if folder.exists() and not (overwrite and (folder / PUBLISHED_WEIGHTS).is_file()):
        hint = 'add --overwrite' if (folder / PUBLISHED_WEIGHTS).is_file() else 'choose another'
        raise UserError(f'{folder}: is there already; {hint}')
    source = metrics or Path(checkpoint).with_name(METRICS)
    if not source.is_file():
        raise UserError(
            f'{source}: there is no such file; run tools/test.py first, or name one with --metrics'
        )
    tested = read_metrics(source)
    if tested.get('tta'):
        raise UserError(f'{source}: is of averaged views (--tta); name a test without them')
    trained = load_checkpoint(checkpoint)
    make_writable(folder.resolve().parent, 'the folder')
    with staging_folder(folder.resolve()) as staging:
        made = staging / 'made'
        make_writable(made, 'the folder')
        values = _without_own_metrics(config.data)
        _set(values, 'model', 'threshold', tested['threshold'])
        _check_readable(values, config.path, made / PUBLISHED_CONFIG)
        save_safetensors(trained, made / PUBLISHED_WEIGHTS)
        _, parity = export(
            config,
            checkpoint,
            'onnx',
            str(made / ONNX),
            images=images,
            threshold=tested['threshold'],
        )
        half = None
        if images:
            half = compare_bfloat16(config.resolved, trained, tested['threshold'], images)
        if half is not None:
            _set(values, 'test_cfg', 'precision', 'auto' if half.keeps_the_masks else 'fp32')
        write_json(made / PUBLISHED_CONFIG, values, indent=1)
        write_json(made / METRICS, tested, indent=1)
        card = model_card(folder.resolve().name, config.resolved, tested, parity, half)
        with whole_file(made / CARD) as file:
            file.write(card)
        with signals_wait():
            if folder.exists():
                folder.replace(staging / 'before')
            made.replace(folder)
    return sorted(folder.iterdir())


def _check_readable(values: dict[str, Any], config: Path, path: Path) -> None:
    """Refuse what nobody could load, before the work is done."""
    write_json(path, values)
    try:
        read_data_config(path)
    except UserError as error:
        reason = str(error).removeprefix(f'{path}: ')
        raise UserError(
            f'{config}: cannot be published: a published folder is data, and may name '
            f'what PetSeg ships alone ({reason}). Give the checkpoint with its config and your '
            'modules, or export it: tools/export.py'
        ) from None


def _without_own_metrics(values: dict[str, Any]) -> dict[str, Any]:
    """Leave out metrics that PetSeg does not ship: they measured the model and are no part of it.

    With them go the modules they came from. What else these held is refused as any other type.
    """
    shipped = SECTIONS['test_evaluator']
    kept = dict(values)
    for key in ('evaluator', 'val_evaluator', 'test_evaluator'):
        if isinstance(values.get(key), list):
            kept[key] = [one for one in values[key] if one.get('type') in shipped]
            if kept[key] != values[key]:
                kept.pop('custom_imports', None)
    return kept


def _set(values: dict[str, Any], section: str, key: str, value: object) -> None:
    """Set a value of a written config where it comes from: its variable, or the place itself."""
    written = str(values[section].get(key))
    name = written.removeprefix('$')
    if written != name and name in values:
        values[name] = value
    else:
        values[section][key] = value
