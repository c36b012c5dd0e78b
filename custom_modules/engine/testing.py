"""What ``tools/test.py`` does."""

import csv
import json
from pathlib import Path

from mmengine.config import Config
from mmengine.dist import is_main_process

from ..errors import UserError
from ..evaluation import DiceMetric
from ..paths import PROJECT_ROOT, make_writable
from ..visualization import save_examples
from ..whole_file import whole_file
from .environment import environment
from .memory import keep_freed_memory
from .process_group import join_processes
from .runner import PetSegRunner

#: Columns of ``per_image.csv``.
COLUMNS = ('id', 'species', 'breed', 'tp', 'fp', 'fn', 'tn', 'dice')


def test(
    config: Config, checkpoint: str, out: str | None = None, launcher: str = 'none'
) -> dict[str, object] | None:
    """Score a checkpoint on the test split and write ``metrics.json`` and ``per_image.csv``.

    Args:
        config: of ``load_config``.
        checkpoint: a ``.pth`` file.
        out: folder for the results, which then also get ``masks/<id>.png`` and ``examples.png``;
            None writes the figures beside the checkpoint.
        launcher: 'none', 'pytorch' (torchrun) or 'slurm' (srun).

    Returns:
        The figures with their protocol, as in ``metrics.json``; None on ranks other than 0.

    Raises:
        UserError: a mistake in config, data, checkpoint or arguments.
    """
    if not Path(checkpoint).is_file():
        raise UserError(f'{checkpoint}: there is no such checkpoint; train first, see work_dirs/')
    folder = Path(out) if out else Path(checkpoint).resolve().parent
    keep_freed_memory()
    join_processes(launcher, **config.env_cfg.get('dist_cfg', {}))
    make_writable(folder, '--out')

    settings = Config(config.to_dict(), filename=config.filename)
    settings.work_dir, settings.run_name = str(folder), '.'
    settings.launcher = launcher
    settings.load_from, settings.resume = str(checkpoint), False
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'):
        settings.pop(key, None)
    for key in ('val_dataloader', 'val_cfg', 'val_evaluator'):
        settings.pop(key, None)
    settings.visualizer = dict(type='Visualizer', vis_backends=[])
    settings.default_hooks = dict(logger=None, checkpoint=None, param_scheduler=None)
    settings.custom_hooks = [dict(type='ConsoleHook')]
    if out:
        settings.custom_hooks.append(dict(type='SaveMasksHook', folder=str(folder / 'masks')))

    runner = PetSegRunner.from_cfg(settings)
    figures = runner.test()
    if not is_main_process():
        return None
    trained = runner.checkpoint_meta.get('training')
    dtype = str(runner.test_loop.dtype).removeprefix('torch.')
    measured_on = environment() | dict(dtype=dtype)
    result = figures | protocol(config, checkpoint) | measured_on | dict(training=trained)
    rows = _rows(runner)
    write_results(folder, result, rows)
    if out:
        save_examples(
            runner.test_dataloader.dataset,
            rows,
            folder / 'masks',
            folder / 'examples.png',
            f'{Path(config.filename).stem}: {describe(result).splitlines()[0]}',
        )
    return result


def protocol(config: Config, checkpoint: str) -> dict[str, object]:
    """Return how the figures came about: what every quoted figure has to carry."""
    dataset = config.test_dataloader['dataset']
    resize: dict = next((t for t in dataset['pipeline'] if 'scale' in t), {})
    return dict(
        dataset=dataset['type'],
        split=dataset['split'],
        border=dataset.get('border', ''),
        resolution=config.model['resolution'],
        image_size=resize.get('scale', ''),
        averaging='Dice and IoU: mean over images; *_global, precision, recall: over all pixels',
        threshold=config.model['threshold'],
        config=_short(config.filename),
        checkpoint=_short(checkpoint),
    )


def describe(result: dict[str, object]) -> str:
    """Return the figures as the lines a person reads, with the protocol they were measured by."""
    border = f', border = {result["border"]}' if result['border'] else ''
    return (
        f'Dice {result["Dice"]:.4f}  IoU {result["IoU"]:.4f}  (mean over images)\n'
        f'Dice {result["Dice_global"]:.4f}  IoU {result["IoU_global"]:.4f}  '
        f'precision {result["precision"]:.4f}  recall {result["recall"]:.4f}  (all pixels)\n'
        f'{result["num_images"]:,} images of the split {result["split"]!r}, '
        f'{result["num_empty"]} without foreground{border}, '
        f'scored at the {result["resolution"]} resolution, threshold {result["threshold"]}'
    )


def write_results(folder: Path, result: dict[str, object], rows: list[dict]) -> None:
    """Write ``metrics.json`` and ``per_image.csv`` (columns ``COLUMNS``) into ``folder``."""
    with whole_file(folder / 'metrics.json') as file:
        file.write(json.dumps(result, indent=2) + '\n')
    with whole_file(folder / 'per_image.csv', newline='') as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def _rows(runner: PetSegRunner) -> list[dict]:
    metrics = runner.test_evaluator.metrics
    return next(metric for metric in metrics if isinstance(metric, DiceMetric)).per_image


def _short(path: str) -> str:
    """Return ``path`` as seen from the project, where it lies inside."""
    absolute = Path(path).resolve()
    if absolute.is_relative_to(PROJECT_ROOT):
        return absolute.relative_to(PROJECT_ROOT).as_posix()
    return str(path)
