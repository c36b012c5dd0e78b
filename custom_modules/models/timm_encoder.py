"""Networks of timm as encoders."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from mmengine.registry import MODELS
from torch import nn

from ..base.errors import UserError, did_you_mean
from .frozen_stages import FreezableEncoder
from .packages import (
    WRONG_ARGUMENTS,
    check_image_size,
    initialisation,
    only_size,
    own_name,
    reason_of,
    zoo_package,
)


@MODELS.register_module()
class TimmEncoder(FreezableEncoder):
    """A network of timm (Wightman, 2019; ``requirements-zoo.txt``) without its classifier.

    Returns a list of feature maps (N, C, h, w), **finest first**, each half the size of the one
    before it. ``out_channels`` lists their widths, ``strides`` how many times smaller than the
    image they are; H and W must be multiples of the coarsest stride. Nothing is downloaded.

    Args:
        name: name of a network that timm knows, such as 'convnext_tiny', with or without the tag of
            its weights.
        in_channels: number of channels of the image.
        out_indices: numbers of the features to return, ascending, from 0 for timm's finest; None
            for those that timm gives.
        checkpoint: path of weights that a training starts from, ``.pth`` or ``.safetensors``, as
            timm publishes them; None for none. See ``start_from``.
        frozen_stages: last stage that does not learn, as those before it do not: 0 is all up to the
            finest feature, 1 what makes the next one of it, and so on; -1 freezes none.
        image_size: side of the images, or width and height, for networks that take one size alone,
            such as Swin; None for timm's.
        output_stride: coarsest stride, of networks that can do with dilations instead; None for
            theirs.
        drop_path_rate: share of the residual blocks left out in training, at random; 0 to 1.
        init_cfg: config of MMEngine's initialisation; None keeps timm's.

    Raises:
        UserError: timm is missing or knows no such network, it cannot be built so, a feature is not
            half the size of the one before it, or there is no such stage to freeze.
    """

    def __init__(
        self,
        name: str,
        in_channels: int = 3,
        out_indices: Sequence[int] | None = None,
        checkpoint: str | None = None,
        frozen_stages: int = -1,
        image_size: int | Sequence[int] | None = None,
        output_stride: int | None = None,
        drop_path_rate: float = 0.0,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(initialisation(checkpoint, init_cfg, 'TimmEncoder', 'checkpoint'))
        self.in_channels = in_channels
        options: dict[str, Any] = dict(
            out_indices=None if out_indices is None else tuple(out_indices),
            img_size=tuple(reversed(image_size))
            if isinstance(image_size, Sequence)
            else image_size,
            output_stride=output_stride,
            drop_path_rate=drop_path_rate or None,
        )
        self.network = _features_of(name, in_channels, options)
        self._only_size = only_size(self.network)
        #: Widths of the features, finest first.
        self.out_channels: list[int] = [*self.network.feature_info.channels()]
        #: How many times smaller than the image the features are.
        self.strides: list[int] = [*self.network.feature_info.reduction()]
        self._channels_last = str(getattr(self.network, 'output_fmt', '')).endswith('NHWC')
        if any(2 * fine != coarse for fine, coarse in pairwise(self.strides)):
            every = [level['reduction'] for level in self.network.feature_info.info]
            raise UserError(
                f'TimmEncoder: the features of {name} have strides {self.strides}, and each must '
                'be half the size of the one before it; choose out_indices among the strides '
                f'{every}, or another network'
            )
        if frozen_stages != -1:
            self.freeze(_stages(self.network, name), frozen_stages)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        check_image_size(self._only_size, x, "write model.backbone.image_size='$image_size'")
        features = self.network(x)
        if self._channels_last:
            return [one.permute(0, 3, 1, 2).contiguous() for one in features]
        return [*features]

    def published_name(self, name: str) -> str:
        """Return the name here of a weight that timm publishes."""
        return f'network.{own_name(self.network, name)}'


def _features_of(name: str, in_channels: int, options: dict[str, Any]) -> Any:
    timm = zoo_package('timm', 'TimmEncoder')
    if not timm.is_model(name):  # 'hf-hub:...', which timm would fetch, is none either
        near = did_you_mean(name.partition('.')[0], timm.list_models())
        raise UserError(
            f'TimmEncoder: timm {timm.__version__} has no network {name!r}'
            f'{near or "; timm.list_models() in Python names them all"}'
        )
    given = {key: value for key, value in options.items() if value is not None}
    try:
        return timm.create_model(
            name, pretrained=False, features_only=True, in_chans=in_channels, **given
        )
    except WRONG_ARGUMENTS as error:
        named = ', '.join(f'{key}={value}' for key, value in given.items()) or 'these arguments'
        raise UserError(
            f'TimmEncoder: timm builds no encoder of {name} with {named} ({reason_of(error)})'
        ) from None


def _stages(network: Any, name: str) -> list[list[nn.Module]]:
    """Return the modules that make each feature of those before it."""
    ends = {one.replace('.', '_') for one in network.feature_info.module_name()}
    stages: list[list[nn.Module]] = [[]]
    for label, part in _units(network, ends):
        stages[-1].append(part)
        if label in ends:
            ends.remove(label)
            stages.append([])
    if ends:
        raise UserError(
            f'TimmEncoder: frozen_stages: the stages of {name} are not one after the other; write '
            'optim_wrapper.paramwise_cfg = dict(custom_keys=dict(backbone=dict(lr_mult=0))) to '
            'keep the whole encoder as it is'
        )
    return stages[:-1]


def _units(network: nn.Module, ends: set[str]) -> list[tuple[str, nn.Module]]:
    """Return the parts of a network; in place of one that ends several stages, its parts."""
    found: list[tuple[str, nn.Module]] = []
    for label, part in network.named_children():
        inside = [(f'{label}_{inner}', one) for inner, one in part.named_children()]
        found += inside if any(inner in ends for inner, _ in inside) else [(label, part)]
    return found
