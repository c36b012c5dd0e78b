"""What a config says of rates, where MMEngine would do something else without a word."""

from collections.abc import Callable
from typing import Any

from mmengine.optim import OneCycleLR, OptimWrapper, OptimWrapperDict
from torch import nn

from ..base.errors import UserError, did_you_mean
from ..evaluation.metric_table import METRIC_TABLE

#: ``end`` of a schedule that has none, as MMEngine writes it.
_ENDLESS = int(1e9)


def check_optim_wrapper(settings: Any, model: nn.Module) -> None:
    """Refuse a key of ``paramwise_cfg`` that is in no name: MMEngine would use it for nothing.

    Args:
        settings: ``optim_wrapper`` of a config, or one that is built already, which is not checked.
        model: model whose parameters' names the keys must be in.

    Raises:
        UserError: a key is in no parameter's name; the message has the nearest part of a name.
    """
    if not isinstance(settings, dict):
        return
    names = [name for name, _ in model.named_parameters()]
    for key in (settings.get('paramwise_cfg') or {}).get('custom_keys') or ():
        if not any(key in name for name in names):
            near = did_you_mean(key, {part for name in names for part in name.split('.')})
            raise UserError(
                f'optim_wrapper.paramwise_cfg.custom_keys: {key!r} is in the name of no '
                f'parameter, such as {names[0]}{near}'
            )


def refuse_several_optimizers(optim_wrapper: Any) -> None:
    """Refuse an OptimWrapperDict, whose state could not be resumed.

    Raises:
        UserError: there are several optimizers; the message says what to use.
    """
    if isinstance(optim_wrapper, OptimWrapperDict):
        raise UserError(
            'optim_wrapper: several optimizers (OptimWrapperDict) are not supported; '
            'paramwise_cfg gives parts of the network rates of their own'
        )


def build_schedules(settings: Any, optim_wrapper: Any, build: Callable[[Any], Any]) -> Any:
    """Build the schedules of a config; parts with ``lr_mult`` keep the ratio of their rates.

    Args:
        settings: ``param_scheduler`` of a config.
        optim_wrapper: built optimizer wrapper.
        build: MMEngine's function that builds schedules from ``settings``.
    """
    for one in settings if isinstance(settings, list) else [settings]:
        if isinstance(one, dict) and 'ReduceOnPlateau' in str(one.get('type')):
            # MMEngine would end it at max_epochs, before the last validation: resumed with
            # more epochs, it would lack that one.
            one.setdefault('end', _ENDLESS)
            # Without a rule it would wait for every metric to fall.
            if one.get('monitor') in METRIC_TABLE:
                one.setdefault('rule', METRIC_TABLE[one['monitor']].better)
    groups, base = [], 1.0
    if isinstance(optim_wrapper, OptimWrapper) and not isinstance(optim_wrapper, OptimWrapperDict):
        groups, base = optim_wrapper.param_groups, optim_wrapper.defaults['lr']
    shares = [group['lr'] / base for group in groups]
    built = build(settings)
    for schedule in built if isinstance(built, list) else []:
        if isinstance(schedule, OneCycleLR) and not isinstance(schedule.eta_max, list | tuple):
            for group, share in zip(groups, shares, strict=True):  # it gives all one rate
                for key in ('lr', 'initial_lr', 'max_lr', 'min_lr'):
                    group[key] *= share
    return built
