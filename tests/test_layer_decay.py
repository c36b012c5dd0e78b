"""The rate of each parameter under ``layer_decay``, by hand."""

from typing import Any

import pytest
from mmengine.registry import MODELS, OPTIM_WRAPPER_CONSTRUCTORS
from torch import nn

from custom_modules.base.errors import UserError

RESNET = dict(
    type='ResNetEncoder', blocks=(1, 1, 1, 1), channels=(2, 2, 2, 2), bottleneck_channels=2
)
UNET = dict(type='UNetEncoder', channels=(2, 2, 2))


def rates(encoder: nn.Module, optimizer: dict | None = None, **paramwise: Any) -> dict[str, float]:
    """Return name of each parameter that is optimized -> its rate, where the config's is 8."""
    model = nn.Module()
    model.backbone = encoder
    model.decode_head = nn.Conv2d(2, 1, 1)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    settings = dict(optimizer=dict(type='SGD', lr=8.0) if optimizer is None else optimizer)
    constructor = dict(
        type='DefaultOptimWrapperConstructor',
        optim_wrapper_cfg=settings,
        paramwise_cfg=dict(layer_decay=0.5, **paramwise),
    )
    wrapper = OPTIM_WRAPPER_CONSTRUCTORS.build(constructor)(model)
    return {names[id(group['params'][0])]: group['lr'] for group in wrapper.optimizer.param_groups}


@pytest.mark.parametrize(
    ('encoder', 'expected'),
    [
        (
            RESNET,
            dict(conv1=1 / 8, bn1=1 / 8, layer1=1 / 4, layer2=1 / 2, layer3=1, layer4=2)
            | dict(bottleneck=4),
        ),
        (
            RESNET | dict(bottleneck=None, frozen_stages=1),
            dict(layer2=1, layer3=2, layer4=4),
        ),
        (UNET, {'levels.0': 1, 'levels.1': 2, 'levels.2': 4}),
    ],
)
def test_the_rate_halves_with_each_level(encoder: dict, expected: dict[str, float]) -> None:
    found = rates(MODELS.build(encoder))
    assert found.pop('decode_head.weight') == found.pop('decode_head.bias') == 8
    levels = {f'backbone.{name}.' for name in expected}
    assert {level for level in levels for name in found if name.startswith(level)} == levels
    for name, rate in found.items():
        (level,) = (one for one in expected if name.startswith(f'backbone.{one}.'))
        assert rate == expected[level]


def test_other_keys_are_multiplied_with_it() -> None:
    found = rates(
        MODELS.build(UNET),
        bias_lr_mult=2,
        custom_keys={'levels.1': dict(lr_mult=10), 'decode_head': dict(lr_mult=3)},
    )
    assert found['backbone.levels.0.0.weight'] == 1 and found['backbone.levels.0.0.bias'] == 2
    assert found['backbone.levels.1.0.weight'] == found['backbone.levels.1.0.bias'] == 20
    assert found['decode_head.weight'] == 24


def test_what_cannot_be_decayed_is_said() -> None:
    with pytest.raises(UserError, match=r'this encoder is Conv2d; give its parts .* custom_keys'):
        rates(nn.Conv2d(3, 2, 1))
    with pytest.raises(UserError, match='the optimizer has none; write'):
        rates(MODELS.build(UNET), optimizer=dict(type='Adadelta'))
