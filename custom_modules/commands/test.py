"""What ``tools/test.py`` does."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.dist import is_main_process

from ..base.device import device_of
from ..base.errors import UserError
from ..base.paths import make_writable, short_path
from ..config import LoadedConfig, own_copy
from ..config.held_datasets import described, reading_of
from ..config.stages import require_stage
from ..config.written import write_config
from ..datasets.shared_images import shared_line, trained_on
from ..datasets.transforms.count_border import with_regions
from ..distributed.process_group import join_processes
from ..distributed.processes import workers_of
from ..distributed.sharding import is_sharded
from ..engine.evaluation_details import (
    details,
    image_rows,
    own_results,
    refuse_taken_names,
    validation_details,
)
from ..engine.hooks.save_masks_hook import pictures_hook
from ..engine.memory import keep_freed_memory
from ..engine.runner import PetSegRunner
from ..export.exported_files import is_exported
from ..export.exported_model import use_exported
from ..models.binary_segmentor import BinarySegmentor, as_segmentor
from ..models.cost import cost_of_image
from ..models.test_time_augmentation import TestTimeAugmentation
from ..models.windows import Windows
from ..runs.checkpoint_io import weights_file
from ..runs.environment import describe_device, environment
from ..runs.initial_weights import start_of
from ..runs.metrics_text import describe
from ..runs.scored_run import write_results
from ..runs.trained_with import image_size, other_than_trained, windows
from ..runs.tuned_threshold import find_threshold, save_threshold, sidecar_file
from ..visualization import save_examples
from ..visualization.examples import SHEET

#: What every result names of its model -> what it says.
_SCORED = dict(
    threshold='the probability above which a pixel is foreground',
    resolution="'input', or 'original' where masks have the size of their files",
)


def test(
    config: LoadedConfig,
    checkpoint: str,
    out: str | None = None,
    launcher: str = 'none',
    *,
    probabilities: bool = False,
    quick: bool = False,
    tta: Sequence[float] | None = None,
    tune: bool = False,
    use_tuned: bool = True,
) -> dict[str, object] | None:
    """Score a checkpoint on the test split and write ``metrics.json`` and ``per_image.csv``.

    Args:
        config: loaded config of the model and its test.
        checkpoint: ``.pth`` file, ``.onnx`` or ``.xml`` file that ``tools/export.py`` wrote, or the
            folder or weights that ``tools/publish.py`` wrote.
        out: folder for the results, which then also get ``config.py``, the same as data
            (``merged_config.json``), ``masks/<id>.png`` and ``examples.png``; None writes the
            metrics beside the checkpoint.
        launcher: what started the processes: 'none' (there is one), 'pytorch' (torchrun) or 'slurm'
            (srun).
        probabilities: whether ``out`` also gets ``probabilities/<id>.png``, in 8 bits.
        quick: whether boundaries, calibration, the border policies, the validation images and
            what an image costs are left out.
        tta: scales of test-time augmentation, at which the image and its mirror image are averaged;
            None for no averaging.
        tune: whether the threshold is chosen on the validation images and kept beside the
            checkpoint.
        use_tuned: whether to take the threshold that is kept beside the checkpoint, where there is
            one that was tuned under the same conditions; False takes the config's.

    Returns:
        The metrics with their protocol, as in ``metrics.json``; None on ranks other than 0.

    Raises:
        UserError: a mistake in config, data, checkpoint or arguments.
    """
    values = config.resolved
    require_stage(values, 'test', values.filename)
    workers_of(values.test_dataloader.get('num_workers', 0))
    checkpoint = str(weights_file(Path(checkpoint)))
    if not Path(checkpoint).is_file():
        raise UserError(f'{checkpoint}: there is no such checkpoint; train first, see work_dirs/')
    folder = Path(out) if out else Path(checkpoint).resolve().parent
    keep_freed_memory()
    device_of(values)
    join_processes(launcher, **values.get('env_cfg', {}).get('dist_cfg', {}))
    make_writable(folder, '--out')
    if tune:
        make_writable(Path(checkpoint).resolve().parent, '--tune-threshold (a copied checkpoint)')
    if probabilities and not out:
        raise UserError('--probabilities: needs a folder; add --out DIR')
    hooks = [pictures_hook(folder, probabilities)] if out else []
    runner = _build_runner(values, checkpoint, folder, launcher, hooks, quick)
    model: Any = runner.bare_model
    _check_scored(model)
    if tta is not None:
        as_segmentor(model, '--tta')
        model.network = TestTimeAugmentation(model.network, model.size_divisor, tta)
    runner.load_or_resume()
    if is_exported(checkpoint):
        as_segmentor(model, 'an exported file')
        runner.checkpoint_meta = use_exported(
            model, Path(checkpoint), reading_of(values.test_dataloader['dataset'])
        )
    if is_main_process():
        print(describe_device(runner.test_loop.dtype), flush=True)
    conditions = _conditions(values, runner, tta)
    validation = _validate(runner, required=tune) if tune or not quick else None
    source, line = 'config', None
    if tune:
        assert validation is not None
        model.threshold = validation['threshold']
        source = sidecar_file(Path(checkpoint)).name
        line = (
            f'threshold {model.threshold:g} tuned on the validation images (Dice '
            f'{validation["threshold_Dice"]:.4f}), kept in {sidecar_file(Path(checkpoint))}'
        )
    elif use_tuned:
        threshold, line = find_threshold(Path(checkpoint), conditions)
        if threshold is not None:
            model.threshold, source = threshold, sidecar_file(Path(checkpoint)).name

    evaluated = runner.test()
    if not is_main_process():
        return None
    if line:
        print(line)
    meta = runner.checkpoint_meta
    marks, start = meta.get('train_images'), start_of(meta)
    if marks is not None and start is not None:
        marks = [*marks, *start.images]
    shared = trained_on(marks, values, runner.test_dataloader.dataset)
    if shared:
        print(shared_line(shared, 'tested'))
    others = other_than_trained(runner.checkpoint_meta, values)
    for other in others:
        print(f'warning: {other}')
    metrics = runner.test_evaluator.metrics
    rows = image_rows(metrics)
    own = own_results(evaluated, metrics, rows)
    result: dict[str, object] = evaluated | protocol(values, model, checkpoint)
    result |= dict(
        threshold=model.threshold,
        threshold_source=source,
        tta=None if tta is None else dict(mirrored=True, scales=list(tta)),
    )
    result |= environment() | dict(dtype=str(runner.test_loop.dtype).removeprefix('torch.'))
    result |= dict(training=runner.checkpoint_meta.get('training'))
    result |= {} if quick else _cost(runner)
    result |= details(metrics, rows, own)
    if shared:
        result['num_trained_on'] = len(shared)
    if others:
        result['other_than_trained'] = others
    if excluded := runner.test_dataloader.dataset.num_excluded:
        result['num_excluded'] = excluded
    refuse_taken_names(own, evaluated, result)
    if validation is not None:
        split = described(values.val_dataloader['dataset'], 'split')
        seen = validation_details(runner.val_evaluator.metrics)
        result['validation'] = dict(split=split) | seen
        if tune:
            chosen = dict(threshold=model.threshold, Dice=validation['threshold_Dice'])
            facts = dict(split=split, num_images=seen['num_images'])
            save_threshold(Path(checkpoint), chosen, facts | conditions)
    write_results(folder, result, rows)
    if out:
        write_config(folder, config)
        save_examples(
            runner.test_dataloader.dataset,
            rows,
            folder / 'masks',
            folder / SHEET,
            f'{config.path.stem}: {describe(result).splitlines()[0]}',
        )
    return result


def _build_runner(
    config: Config, checkpoint: str, folder: Path, launcher: str, hooks: list[dict], quick: bool
) -> PetSegRunner:
    settings = own_copy(config)
    settings.work_dir, settings.run_name = str(folder), '.'
    settings.launcher = launcher
    settings.load_from, settings.resume = None if is_exported(checkpoint) else checkpoint, False
    for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'param_scheduler'):
        settings.pop(key, None)
    validation = [settings.pop(f'val_{key}', None) for key in ('dataloader', 'cfg', 'evaluator')]
    if all(validation):
        settings.val_dataloader, settings.val_cfg, _ = validation
        settings.val_dataloader['persistent_workers'] = False
        settings.val_evaluator = [dict(type='ProbabilityMetric', choose_threshold=True)]
    if not quick:
        evaluator = settings.test_evaluator
        evaluator = [evaluator] if isinstance(evaluator, dict) else [*evaluator]
        evaluator += [dict(type='BoundaryMetric'), dict(type='ProbabilityMetric')]
        dataset = with_regions(settings.test_dataloader['dataset'])
        if dataset is not None:
            settings.test_dataloader['dataset'] = dataset
            evaluator.append(dict(type='BorderMetric'))
        settings.test_evaluator = evaluator
    settings.visualizer = dict(type='Visualizer', vis_backends=[])
    settings.default_hooks = dict(logger=None, checkpoint=None, param_scheduler=None)
    settings.custom_hooks = [dict(type='ConsoleHook'), *hooks]
    return PetSegRunner.from_cfg(settings)


def _check_scored(model: Any) -> None:
    """Refuse a model of one's own that does not say what every result names, before the test."""
    for name, meaning in _SCORED.items():
        if not hasattr(model, name):
            raise UserError(
                f'{type(model).__name__} has no attribute {name!r}, which results name: {meaning}'
            )


def _cost(runner: PetSegRunner) -> dict[str, Any]:
    """Return what the first tested image costs, or one window; nothing of a sharded network."""
    model = runner.bare_model
    # Of a sharded one this process has a part of the weights, and would wait for the others.
    if is_sharded(model) or not isinstance(model, BinarySegmentor):
        return {}
    loader = runner.test_dataloader
    picture, sample = (loader.dataset[0][key] for key in ('inputs', 'data_samples'))
    if 'sliding_window' in sample:
        seen = Windows(**sample.sliding_window)
        picture = seen.cut(picture, seen.over(picture.shape[-2:])[0])
    inputs = model.data_preprocessor(dict(inputs=[picture]), False)['inputs']
    return dict(cost=cost_of_image(model, inputs, runner.test_loop.dtype))


def _validate(runner: PetSegRunner, required: bool) -> dict[str, float] | None:
    """Look at the validation images; where there are none, say so or refuse.

    Raises:
        UserError: the validation is ``required`` and its images are not there.
    """
    if runner._val_loop is None:
        if required:
            raise UserError('--tune-threshold: the config has no val_dataloader; add one')
        return None
    try:
        runner._val_loop = runner.build_val_loop(runner._val_loop)
    except UserError as error:
        if required:
            raise
        if is_main_process():
            print(f'no threshold curve: the validation images cannot be used ({error})')
        return None
    return runner.val()


def _conditions(
    config: Config, runner: PetSegRunner, tta: Sequence[float] | None
) -> dict[str, object]:
    """Return what a tuned threshold belongs to."""
    dataset = config.test_dataloader['dataset']
    meta = runner.checkpoint_meta
    return dict(
        epoch=meta.get('epoch'),
        iter=meta.get('iter'),
        border=described(dataset, 'border'),
        resolution=runner.bare_model.resolution,
        image_size=image_size(dataset),
        tta=None if tta is None else list(tta),
    )


def protocol(config: Config, model: Any, checkpoint: str) -> dict[str, object]:
    """Return how the metrics came about: what every quoted metric has to carry."""
    dataset = config.test_dataloader['dataset']
    return dict(
        dataset=described(dataset, 'type'),
        split=described(dataset, 'split'),
        border=described(dataset, 'border'),
        resolution=model.resolution,
        image_size=image_size(dataset),
        windows=windows(dataset),
        averaging='Dice and IoU: mean over images; *_global, precision, recall: over all pixels',
        threshold=model.threshold,
        config=short_path(config.filename),
        checkpoint=short_path(checkpoint),
    )
