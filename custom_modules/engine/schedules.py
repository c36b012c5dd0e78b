"""Rates of parts and over time: layer decay, and where MMEngine would not do what a config says."""

from collections.abc import Callable
from typing import Any

from mmengine.optim import (
    DefaultOptimWrapperConstructor,
    OneCycleLR,
    OptimWrapper,
    OptimWrapperDict,
)
from mmengine.registry import OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from ..base.errors import UserError, did_you_mean
from ..evaluation.metric_table import METRIC_TABLE
from ..models.frozen_stages import FreezableEncoder

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


@OPTIM_WRAPPER_CONSTRUCTORS.register_module(name='DefaultOptimWrapperConstructor', force=True)
class LayerDecayConstructor(DefaultOptimWrapperConstructor):
    """MMEngine's constructor of optimizers, with ``layer_decay`` (Howard and Ruder, ACL 2018).

    Weights from ImageNet see edges and colours in their first layers, which fit other images too,
    and things in their last, which have to change. ``paramwise_cfg=dict(layer_decay=0.75)``
    multiplies the rate of an encoder's parameter by 0.75 for each level above its own: the head is
    above all levels and has the full rate, the encoder's last level 0.75 of it, the one before it
    0.75 ** 2. Other keys of ``paramwise_cfg`` are multiplied with it.

    Raises:
        UserError: it is not known which levels the encoder has, or the optimizer has no ``lr``.
    """

    def add_params(
        self, params: list[dict], module: nn.Module, prefix: str = '', **kwargs: Any
    ) -> None:
        super().add_params(params, module, prefix, **kwargs)
        decay = self.paramwise_cfg.get('layer_decay')
        if prefix or decay is None:  # MMEngine comes here for each module, from inside out
            return
        above = levels_above(getattr(module, 'backbone', None))
        if self.base_lr is None:
            raise UserError(
                'optim_wrapper.paramwise_cfg.layer_decay multiplies a rate, and the optimizer has '
                'none; write optim_wrapper.optimizer.lr'
            )
        for group in params:
            power = above.get(id(group['params'][0]), 0)
            group['lr'] = group.get('lr', self.base_lr) * decay**power


def levels_above(encoder: nn.Module | None) -> dict[int, int]:
    """Return the ``id`` of each parameter of an encoder -> number of levels above it.

    What is in none of the encoder's stages, such as the bottleneck of a ResNetEncoder, is a level
    above them, and the head is one above all.

    Raises:
        UserError: it is not known which levels the encoder has.
    """
    if not (isinstance(encoder, FreezableEncoder) and encoder.stages):
        raise UserError(
            'optim_wrapper.paramwise_cfg.layer_decay knows the levels of UNetEncoder and '
            f'ResNetEncoder, and this encoder is {type(encoder).__name__}; give its parts rates '
            "with custom_keys, such as {'backbone': dict(lr_mult=0.1)}"
        )
    stages = [
        [id(parameter) for part in stage for parameter in part.parameters()]
        for stage in encoder.stages
    ]
    inside = {one for stage in stages for one in stage}
    rest = [id(parameter) for parameter in encoder.parameters() if id(parameter) not in inside]
    levels = [*stages, rest] if rest else stages
    return {one: len(levels) - index for index, level in enumerate(levels) for one in level}
