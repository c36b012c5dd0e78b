"""Checkpoints of a runner: what is in them, and how a run goes on from one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from mmengine.dist import is_main_process

from ..base.errors import UserError
from ..datasets.shared_images import image_marks
from ..distributed.sharding import is_sharded, whole_state
from ..runs.checkpoint_io import load_checkpoint, load_weights, save_checkpoint
from ..runs.environment import environment
from ..runs.initial_weights import set_start, start_from, start_of, starts_of
from ..runs.run_folder import LAST, PREVIOUS
from ..runs.weights_check import unsound_weight
from .training_state import restore_training_state, training_state

if TYPE_CHECKING:
    from .runner import PetSegRunner


def train_images(runner: PetSegRunner) -> list[str]:
    """Return what tells the images of a training from others, sorted."""
    return sorted(image_marks(runner.train_dataloader.dataset))


def save_last(runner: PetSegRunner, keep_previous: bool = True) -> None:
    """Write ``last.pth``, from which a run goes on as if it had never stopped.

    Args:
        runner: runner of a training.
        keep_previous: whether the ``last.pth`` from before stays as ``previous.pth``.

    Raises:
        UserError: the weights could not be loaded again, or the file cannot be written.
    """
    states = _states(runner)
    state = training_state(runner, states[1])
    if not is_main_process():
        return
    loop = runner.train_loop
    checkpoint = _checkpoint_of(runner, states[0])
    checkpoint['meta'].update(
        sharded=is_sharded(runner.model),
        validation_pending=loop.validation_pending,
        steps_into_epoch=loop.steps_into_epoch,
        steps_per_epoch=len(loop.dataloader),
        unit=loop.unit,
        stop_training=loop.stop_training,
        seconds=loop.seconds,
    )
    checkpoint.update(state)
    runner.call_hook('before_save_checkpoint', checkpoint=checkpoint)
    _check_weights(runner, checkpoint, LAST)
    previous = PREVIOUS if keep_previous else None
    save_checkpoint(checkpoint, Path(runner.log_dir, LAST), previous)


def save_weights(
    runner: PetSegRunner, filename: str, metrics: dict[str, float] | None = None
) -> None:
    """Write the weights and what they are of, without the state of the training.

    Args:
        runner: runner of a training.
        filename: name of the file to write, in the run's folder.
        metrics: name -> value of the validation's metrics, kept in ``meta``.

    Raises:
        UserError: the weights could not be loaded again, or the file cannot be written.
    """
    states = _states(runner)
    if not is_main_process():
        return
    checkpoint = _checkpoint_of(runner, states[0])
    checkpoint['meta'].update(metrics=metrics or {})
    runner.call_hook('before_save_checkpoint', checkpoint=checkpoint)
    checkpoint.pop('ema_state_dict', None)  # MMEngine's EMAHook keeps the raw weights there
    _check_weights(runner, checkpoint, filename)
    save_checkpoint(checkpoint, Path(runner.log_dir, filename))


def load(runner: PetSegRunner, filename: str) -> dict:
    """Load weights: those to test, or those that a training starts from, which need not fit wholly.

    Args:
        runner: runner whose model takes the weights.
        filename: checkpoint to load; for a training also anything that ``start_from`` takes.

    Returns:
        The checkpoint as a dict; for a training, the model's weights as ``state_dict`` alone.

    Raises:
        UserError: the weights are of another model, or unsound.
    """
    if not runner.is_training_run:
        checkpoint = load_checkpoint(filename)
        _take_weights(runner, checkpoint, filename)
        return checkpoint
    start_from(runner.bare_model, filename)
    start = dict(state_dict=runner.bare_model.state_dict())
    runner.call_hook('after_load_checkpoint', checkpoint=start)  # an average starts there too
    return start


def resume(runner: PetSegRunner, filename: str) -> None:
    """Go on from ``last.pth``, or from ``previous.pth`` beside it where that is damaged.

    Raises:
        UserError: neither can be read, the file is no state of a training, or images or steps per
            epoch are others than before.
    """
    try:
        checkpoint = load_checkpoint(filename)
    except UserError as damage:
        previous = Path(filename).with_name(PREVIOUS)
        if not previous.is_file():
            raise
        runner.logger.warning(f'{damage}; going on from {previous}')
        checkpoint = load_checkpoint(previous)
        if is_main_process() and Path(filename).is_file():
            Path(filename).replace(previous.with_name('damaged.pth'))
        filename = str(previous)
    _take_weights(runner, checkpoint, filename)
    if 'optimizer' not in checkpoint or 'rng' not in checkpoint:
        raise UserError(
            f'{filename}: holds weights but no state of a training; resume from a last.pth, or '
            'start from these weights with --cfg-options load_from=...'
        )
    meta = checkpoint['meta']
    start = start_of(meta)
    if start is not None:
        set_start(runner.bare_model, start)
    loop = runner.train_loop
    if meta.get('unit', 'epoch') != loop.unit:
        raise UserError(
            f'{filename}: the run counts {meta.get("unit", "epoch")}s, this config {loop.unit}s; '
            'resume with the train_cfg of before, or start from these weights with '
            '--cfg-options load_from=...'
        )
    loop._epoch, loop._iter = meta['epoch'], meta['iter']
    _check_images(runner, meta.get('train_images'), filename)
    _check_steps(runner, meta['steps_into_epoch'], meta['steps_per_epoch'], filename)
    loop.steps_into_epoch = meta['steps_into_epoch']
    loop.validation_pending = meta['validation_pending']
    loop.stop_training = meta['stop_training']
    loop.seconds_before = meta['seconds']
    if meta.get('sharded', False) != is_sharded(runner.model):
        raise UserError(
            f'{filename}: resume with shard={not is_sharded(runner.model)}, as the run began'
        )
    restore_training_state(runner, checkpoint, filename)
    runner.logger.info(f'resumed {filename} after epoch {meta["epoch"]}, step {meta["iter"]}')


def _take_weights(runner: PetSegRunner, checkpoint: dict, filename: str | Path) -> None:
    runner.call_hook('after_load_checkpoint', checkpoint=checkpoint)
    load_weights(runner.bare_model, checkpoint, filename)
    runner.checkpoint_meta = checkpoint.get('meta', {})
    runner._has_loaded = True
    runner.logger.info(f'weights of {filename}')


def _states(runner: PetSegRunner) -> tuple[dict, dict]:
    """Return the state of model and optimizer; of a sharded model all processes have to ask."""
    if is_sharded(runner.model):
        runner.call_hook('before_gathering')  # of what a hook has split, too
        return whole_state(runner.model, runner.optim_wrapper.optimizer)
    if not is_main_process():
        return {}, {}
    return runner.bare_model.state_dict(), runner.optim_wrapper.state_dict()


def _checkpoint_of(runner: PetSegRunner, weights: dict) -> dict:
    start = starts_of(runner.bare_model)
    before = {}
    if start is not None and start.weights:
        before = dict(init=', '.join(start.weights), minutes_before=start.minutes)
    loop = runner.train_loop
    steps = dict(steps=loop.done, max_steps=loop.total) if loop.unit == 'step' else {}
    precision = str(getattr(runner.optim_wrapper, 'dtype', torch.float32)).removeprefix('torch.')
    return dict(
        meta=dict(
            epoch=runner.epoch,
            iter=runner.iter,
            seed=runner.seed,
            config=runner.cfg.pretty_text,
            experiment_name=runner.experiment_name,
            train_images=runner.train_images,
            start=None if start is None else asdict(start),
            training=dict(
                epochs=runner.epoch,
                max_epochs=runner.max_epochs,
                **steps,
                minutes=round(runner.train_loop.seconds / 60, 2),
                precision=precision,
                processes=runner.world_size,
                **before,
                num_excluded=getattr(runner.train_dataloader.dataset, 'num_excluded', 0),
                **environment(),
            ),
        ),
        state_dict=weights,
    )


def _check_weights(runner: PetSegRunner, checkpoint: dict, filename: str) -> None:
    """Let no weights replace good ones that could not be loaded again."""
    fault = unsound_weight(checkpoint['state_dict'], runner.bare_model)
    if fault:
        raise UserError(
            f'{Path(runner.log_dir, filename)}: not written, because after step {runner.iter} '
            f'{fault}; what was saved before stays. Try a smaller learning_rate, clipped '
            'gradients (optim_wrapper.clip_grad.max_norm=1), or precision=fp32'
        )


def _check_images(runner: PetSegRunner, before: list[str] | None, filename: str) -> None:
    """Refuse other images than before: what was learned may now be in the validation."""
    if before not in (None, runner.train_images) and not runner.cfg.get('allow_changes'):
        raise UserError(
            f'{filename}: the training images are no longer those of the run, because files or '
            'lists have changed; start a new run, or go on all the same with --allow-changes'
        )


def _check_steps(runner: PetSegRunner, done: int, before: int, filename: str) -> None:
    """Refuse another batch size or number of processes where the position would be lost."""
    now = len(runner.train_loop.dataloader)
    if now == before or (runner.cfg.get('allow_changes') and not done):
        return
    remedy = 'resume with the batch_size, data and number of processes of before'
    if not done:
        remedy += ', or with --allow-changes: schedules count steps and may end elsewhere'
    raise UserError(
        f'{filename}: an epoch had {before} steps and now has {now}, and {done} of the current '
        f'one are done; {remedy}'
    )
