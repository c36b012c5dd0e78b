"""The state of a training beside its weights: what a checkpoint takes of it, and how it goes back.

A resumed run goes on to the last bit where its config is the old one. Where it is another, the
config decides: settings of the optimizer are the config's, and the schedules are run through again
from the first step, so that rates are those which the new config would have had here.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as torch_dist
from mmengine.hooks import Hook
from mmengine.optim import OptimWrapper, _ParamScheduler
from torch import nn
from torch.distributed.tensor import DTensor

from ..base.errors import UserError
from ..distributed.sharding import is_sharded, load_whole_optimizer, part_of
from .rng import rng_state, set_rng_state

#: Values that a checkpoint may hold as they are.
_PLAIN = (bool, int, float, str, type(None))

#: A plateau's best is of the type that a metric has, which may be a number of NumPy or a tensor.
_NUMBERS = (np.generic, torch.Tensor)

#: What a step of a schedule changes in it; everything else is a setting.
_PROGRESS = {'last_step', '_global_step', '_last_value'} | {
    'best',  # these three of ReduceOnPlateauLR
    'num_bad_epochs',
    'cooldown_counter',
}


def training_state(runner: Any, optimizer: dict[str, Any]) -> dict[str, Any]:
    """Return what ``last.pth`` holds beside weights and ``meta``.

    Args:
        runner: runner of the training; with several processes all of them have to call this.
        optimizer: state of the optimizer, whole; empty on ranks other than 0.
    """
    return dict(
        optimizer=optimizer,
        optimizer_settings=runner.built.optimizer,
        gradients=_waiting_gradients(runner),
        param_schedulers=[
            _plain_state(scheduler) | dict(settings=settings)
            for scheduler, settings in zip(
                runner.param_schedulers or [], runner.built.schedules, strict=True
            )
        ],
        hooks={name: hook.state_dict() for name, hook in _stateful(runner._hooks)},
        rng=rng_state(),
    )


class Built:
    """What optimizer and schedules were when they were built: the settings of the config.

    Args:
        optim_wrapper: optimizer wrapper of the runner.
        schedulers: schedules of the runner, in their order.

    Attributes:
        optimizer: ``type`` of the optimizer and ``groups``, each a dict without its parameters.
        schedules: settings of each schedule, as texts.
    """

    def __init__(self, optim_wrapper: OptimWrapper, schedulers: Sequence[_ParamScheduler]) -> None:
        self.optimizer: dict[str, Any] = dict(
            type=type(optim_wrapper.optimizer).__name__, groups=_groups(optim_wrapper)
        )
        self.schedules = [_settings(scheduler) for scheduler in schedulers]


def restore_training_state(runner: Any, checkpoint: dict[str, Any], filename: str) -> None:
    """Put back what ``training_state`` returned; checkpoints of earlier versions are taken too.

    Raises:
        UserError: the optimizer is of another class or has other groups of parameters, gradients
            are waiting under another number of accumulated steps, or a schedule that follows the
            validation was changed together with others.
    """
    _restore_optimizer(runner, checkpoint, filename)
    _restore_gradients(runner, checkpoint.get('gradients'), filename)
    for name, hook in _stateful(runner._hooks):
        if name in checkpoint['hooks']:
            hook.load_state_dict(checkpoint['hooks'][name])
    set_rng_state(checkpoint['rng'])


def _stateful(hooks: Sequence[Hook]) -> Iterator[tuple[str, Any]]:
    """Yield each hook with a state and its name: its class, from the second one on with a number.

    The order of hooks of one class is that of the config.
    """
    seen: dict[str, int] = {}
    for hook in hooks:
        if hasattr(hook, 'state_dict'):
            kind = type(hook).__name__
            seen[kind] = seen.get(kind, 0) + 1
            yield (kind if seen[kind] == 1 else f'{kind}_{seen[kind]}'), hook


# Optimizer and schedules


def _restore_optimizer(runner: Any, checkpoint: dict[str, Any], filename: str) -> None:
    wrapper = runner.optim_wrapper
    fresh = runner.built.optimizer
    settings = checkpoint.get('optimizer_settings')
    if settings and settings['type'] != fresh['type']:
        raise UserError(
            f'{filename}: the optimizer was {settings["type"]}, is {fresh["type"]}; go on with the '
            'old one, or start a new run from these weights with --cfg-options load_from=...'
        )
    try:
        if is_sharded(runner.model):
            load_whole_optimizer(runner.model, wrapper.optimizer, checkpoint['optimizer'])
        else:
            wrapper.load_state_dict(checkpoint['optimizer'])
    except ValueError as error:  # torch's, about groups
        raise UserError(
            f'{filename}: the optimizer groups its parameters in another way than this config '
            f'({error}); resume with the optim_wrapper of before'
        ) from None
    schedulers: list[_ParamScheduler] = runner.param_schedulers or []
    saved = checkpoint['param_schedulers']
    scheduled = {scheduler.param_name for scheduler in schedulers}
    derived = {f'initial_{name}' for name in scheduled}
    loaded = _groups(wrapper)
    before = settings['groups'] if settings else [group | {} for group in loaded]
    changed_base = False
    for group, new, old in zip(wrapper.param_groups, fresh['groups'], before, strict=True):
        for key, value in new.items():
            if key in scheduled and not settings:
                continue  # of an older checkpoint: a rate of then, no setting; see its base
            if old.get(key) == value:
                continue
            if key in scheduled | derived:
                changed_base = True
            else:
                group[key] = value
    same_schedules = len(saved) == len(schedulers) and all(
        _same_settings(state, settings_now)
        for state, settings_now in zip(saved, runner.built.schedules, strict=True)
    )
    if same_schedules and not changed_base:
        for scheduler, state in zip(schedulers, saved, strict=True):
            scheduler.load_state_dict({k: v for k, v in state.items() if k != 'settings'})
        return
    _run_through(runner, saved, loaded, filename)


def _run_through(
    runner: Any, saved: list[dict], loaded: list[dict[str, Any]], filename: str
) -> None:
    """Set rates and schedules to what this config would have made of them at this step."""
    schedulers: list[_ParamScheduler] = runner.param_schedulers or []
    following = [s for s in schedulers if getattr(s, 'need_val_args', False)]
    if following and (len(schedulers) > 1 or len(saved) > 1):
        raise UserError(
            f'{filename}: the learning rate or its schedules are not those of the run, and '
            f'{type(following[0]).__name__} follows validations that are past; resume with the '
            'settings of before, or start a new run from these weights with load_from=...'
        )
    for group, new in zip(
        runner.optim_wrapper.param_groups, runner.built.optimizer['groups'], strict=True
    ):
        group.update(new)
    if following:
        if not (saved and 'num_bad_epochs' in saved[0]):
            return  # the run had no such schedule: it begins to watch now
        _keep_reductions(runner, following[0], saved[0], loaded)
        return
    loop = runner.train_loop
    done = 0
    with warnings.catch_warnings():
        # torch's optimizer has not stepped in this process; the steps of the schedules are past.
        warnings.filterwarnings('ignore', message='Detected call of')
        for epoch in range(1, loop.epoch + 1):
            due = round(epoch / max(loop.epoch, 1) * (loop.iter - loop.steps_into_epoch))
            for _ in range(done, due):
                _step(schedulers, by_epoch=False)
            done = due
            _step(schedulers, by_epoch=True)
        for _ in range(done, loop.iter):
            _step(schedulers, by_epoch=False)


def _step(schedulers: Sequence[_ParamScheduler], by_epoch: bool) -> None:
    for scheduler in schedulers:
        if scheduler.by_epoch == by_epoch:
            scheduler.step()


def _keep_reductions(
    runner: Any, scheduler: Any, state: dict, loaded: list[dict[str, Any]]
) -> None:
    """Take what a plateau schedule has seen, and its reductions so far as a share of the rate."""
    name = scheduler.param_name
    scheduler.load_state_dict({k: v for k, v in state.items() if k in _PROGRESS})
    for group, old in zip(runner.optim_wrapper.param_groups, loaded, strict=True):
        group[name] = group[f'initial_{name}'] * (old[name] / old[f'initial_{name}'])
    scheduler._last_value = [group[name] for group in runner.optim_wrapper.param_groups]


def _groups(wrapper: OptimWrapper) -> list[dict[str, Any]]:
    return [
        {key: value for key, value in group.items() if _is_plain(value)}
        for group in wrapper.param_groups
    ]


def _is_plain(value: object) -> bool:
    if isinstance(value, list | tuple):
        return all(isinstance(item, _PLAIN) for item in value)
    return isinstance(value, _PLAIN)


def _plain_state(scheduler: _ParamScheduler) -> dict[str, Any]:
    """Return the state of a schedule without what MMEngine derives from its settings."""
    state = scheduler.state_dict().items()
    return {k: value for k, value in state if _is_plain(value) or isinstance(value, _NUMBERS)}


def _settings(scheduler: _ParamScheduler) -> dict[str, str]:
    """Return what a schedule is told, as texts that can be compared."""
    state = scheduler.state_dict()
    return {
        key: value.__name__ if callable(value) else repr(value)
        for key, value in state.items()
        if key not in _PROGRESS
    } | dict(type=type(scheduler).__name__)


def _same_settings(saved: dict[str, Any], now: dict[str, str]) -> bool:
    if 'settings' in saved:
        return saved['settings'] == now
    # Of an older checkpoint, which holds the plain ones of them only.
    return all(repr(saved[key]) == text for key, text in now.items() if key in saved)


# Gradients that wait for the rest of their window


def _waiting_gradients(runner: Any) -> dict[str, Any] | None:
    """Return the gradients of a window of accumulated steps that is not complete, or None."""
    wrapper: OptimWrapper = runner.optim_wrapper
    steps = wrapper._accumulative_counts
    if wrapper._inner_count % steps == 0 or wrapper._inner_count == wrapper._max_counts:
        return None
    values = {}
    for name, parameter in runner.bare_model.named_parameters():
        if parameter.grad is None:
            continue
        gradient = parameter.grad.detach()
        if is_sharded(runner.model):
            gradient = gradient.full_tensor()
        elif runner.distributed:
            # Until the window is complete each rank has its own; what follows is their mean.
            gradient = gradient.clone()
            torch_dist.all_reduce(gradient)
            gradient /= runner.world_size
        values[name] = gradient
    return dict(steps=steps, values=values)


def _restore_gradients(runner: Any, saved: dict[str, Any] | None, filename: str) -> None:
    if not saved:
        return
    steps = runner.optim_wrapper._accumulative_counts
    if steps != saved['steps']:
        raise UserError(
            f'{filename}: accumulative_counts was {saved["steps"]}, is {steps}, and the run '
            'stopped between two steps of the optimizer; resume with the number of before'
        )
    model: nn.Module = runner.bare_model
    for name, parameter in model.named_parameters():
        if name in saved['values']:
            gradient = saved['values'][name].to(parameter.device)
            if isinstance(parameter, DTensor):
                gradient = part_of(gradient, parameter)
            parameter.grad = gradient
