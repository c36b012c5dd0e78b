"""Networks of segmentation_models.pytorch, whole."""

import inspect
from typing import Any

import torch
from mmengine.model import BaseModule
from mmengine.registry import MODELS

from ..base.errors import UserError, did_you_mean
from .packages import (
    WRONG_ARGUMENTS,
    check_image_size,
    initialisation,
    only_size,
    own_name,
    reason_of,
    zoo_package,
)

#: Encoders of timm are named so.
_OF_TIMM = 'tu-'

#: Arguments of the package's classes that are given by others here, or make no logits.
_NOT_OPTIONS = frozenset(
    {
        'self',
        'encoder_name',
        'encoder_weights',
        'in_channels',
        'classes',
        'activation',
        'aux_params',
    }
)

#: First parts of the names of a network's weights.
_PARTS = ('encoder.', 'decoder.', 'segmentation_head.')


@MODELS.register_module()
class SmpNetwork(BaseModule):
    """A network of segmentation_models.pytorch (Iakubovskii, 2019; ``requirements-zoo.txt``).

    It is a whole network: ``backbone`` of a BinarySegmentor whose ``decode_head`` is None. Returns
    logits (N, out_channels, H, W) of the image's size; H and W must be multiples of
    ``size_divisor``. Nothing is downloaded.

    Args:
        architecture: name of a class of the package, such as 'Unet', 'FPN' or 'DeepLabV3Plus'.
        encoder: name of an encoder that the package knows, or of a network of timm with 'tu-'
            before it.
        in_channels: number of channels of the image.
        out_channels: number of logits per pixel: 1, or 2 for background and foreground.
        encoder_weights: path of weights that a training starts from, ``.pth`` or ``.safetensors``,
            of the encoder as the package, torchvision or timm publish it, or of the whole network;
            None for none. See ``start_from``.
        options: further arguments of the class, such as ``dict(encoder_depth=4)``; None for none.
        init_cfg: config of MMEngine's initialisation; None keeps the package's.

    Raises:
        UserError: the package is missing, knows no such architecture, encoder or argument, or does
            not build them together; or ``encoder_weights`` would have to be fetched.
    """

    def __init__(
        self,
        architecture: str = 'Unet',
        encoder: str = 'resnet34',
        in_channels: int = 3,
        out_channels: int = 1,
        encoder_weights: str | None = None,
        options: dict | None = None,
        init_cfg: dict | list[dict] | None = None,
    ) -> None:
        super().__init__(initialisation(encoder_weights, init_cfg, 'SmpNetwork', 'encoder_weights'))
        smp: Any = zoo_package('segmentation_models_pytorch', 'SmpNetwork')
        kind = _architecture(smp, architecture)
        _check_encoder(smp, encoder, encoder_weights)
        options = options or {}
        allowed = [
            name
            for name, one in inspect.signature(kind.__init__).parameters.items()
            if name not in _NOT_OPTIONS and one.kind is not one.VAR_KEYWORD
        ]
        for key in options:
            if key not in allowed:
                raise UserError(
                    f'SmpNetwork: options.{key} is no argument of {architecture}'
                    f'{did_you_mean(key, allowed) or "; it takes " + ", ".join(allowed)}'
                )
        try:
            self.network = kind(
                encoder_name=encoder,
                encoder_weights=None,
                in_channels=in_channels,
                classes=out_channels,
                **options,
            )
        except WRONG_ARGUMENTS as error:
            raise UserError(
                f'SmpNetwork: {architecture} over {encoder} cannot be built ({reason_of(error)})'
            ) from None
        self._only_size = only_size(self.network)
        self.in_channels, self.out_channels = in_channels, out_channels
        #: Height and width of the image must be multiples of this.
        self.size_divisor = int(self.network.encoder.output_stride)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        check_image_size(self._only_size, x, 'use images of that size, or another encoder')
        return self.network(x)

    def published_name(self, name: str) -> str:
        """Return the name here of a weight of such a network, or of its encoder alone."""
        if name.startswith(_PARTS):
            return f'network.{name}'
        return f'network.encoder.{own_name(self.network.encoder, name)}'


def _architecture(smp: Any, name: str) -> Any:
    known = {one.__name__: one for one in smp.MODEL_ARCHITECTURES_MAPPING.values()}
    if name not in known:
        raise UserError(
            f'SmpNetwork: segmentation_models_pytorch {smp.__version__} has no architecture '
            f'{name!r}{did_you_mean(name, known) or "; use one of " + ", ".join(known)}'
        )
    return known[name]


def _check_encoder(smp: Any, name: str, weights: str | None) -> None:
    known = smp.encoders.encoders
    if name.startswith(_OF_TIMM):
        timm = zoo_package('timm', 'SmpNetwork')
        found, names = timm.is_model(name.removeprefix(_OF_TIMM)), timm.list_models()
        near = did_you_mean(name, [_OF_TIMM + one for one in names])
    else:
        found, near = name in known, did_you_mean(name, known)
    if not found:
        raise UserError(
            f'SmpNetwork: segmentation_models_pytorch {smp.__version__} has no encoder {name!r}'
            f'{near or f"; {_OF_TIMM}NAME is a network of timm"}'
        )
    if weights in {'imagenet', *known.get(name, {}).get('pretrained_settings', ())}:
        raise UserError(
            f'SmpNetwork: encoder_weights={weights!r} would be fetched, which nothing here does; '
            'download the file and give its path'
        )
