"""What encoders and networks of other packages have in common."""

from types import ModuleType
from typing import Any

import torch
from torch import nn

from ..base.errors import UserError
from ..base.needed_package import needed_package

#: Arguments that other packages raise errors of these kinds about.
WRONG_ARGUMENTS = (
    *(AssertionError, AttributeError, IndexError, KeyError, NotImplementedError),
    *(RuntimeError, TypeError, ValueError),
)


def zoo_package(name: str, user: str) -> ModuleType:
    """Return timm or segmentation_models_pytorch.

    Args:
        name: name that the package is imported by.
        user: class that needs it.

    Raises:
        UserError: the package is missing; the message names what to install.
    """
    return needed_package(name, f'{user} needs', 'requirements-zoo.txt')


def initialisation(
    weights: str | None, init_cfg: dict | list[dict] | None, user: str, argument: str
) -> dict | list[dict] | None:
    """Return the ``init_cfg`` that starts a training from a file, which is read then and not now.

    Args:
        weights: path of the file; None for none.
        init_cfg: config of MMEngine's initialisation that was given beside it.
        user: class that takes both.
        argument: name of the argument that names the file.

    Raises:
        UserError: both are given.
    """
    if weights is None:
        return init_cfg
    if init_cfg is not None:
        raise UserError(f'{user}: {argument} and init_cfg are both given; leave one out')
    return dict(type='Pretrained', checkpoint=weights)


def reason_of(error: Exception) -> str:
    """Return what an error of another package says, in one line."""
    return ' '.join(str(error).split())[:200] or type(error).__name__


def own_name(network: nn.Module, name: str) -> str:
    """Return the name that a published weight has in a network that timm cut down to its features.

    timm joins names with underscores where it takes a network apart (``stages.0`` is ``stages_0``),
    or puts ``model.`` before them.

    Args:
        network: network that gives features.
        name: name in the published file; returned as it is where the network has none like it.
    """
    own = {one.removeprefix('model.').replace('.', '_'): one for one in network.state_dict()}
    return own.get(name.replace('.', '_'), name)


def only_size(network: nn.Module) -> tuple[int, int] | None:
    """Return height and width of the only images that a network of timm takes; None for any."""
    for part in network.modules():
        size: Any = getattr(part, 'img_size', None)
        if getattr(part, 'strict_img_size', False) and size:
            height, width = size
            return int(height), int(width)
    return None


def check_image_size(only: tuple[int, int] | None, images: torch.Tensor, hint: str) -> None:
    """Refuse images of another size than the only one that a network takes.

    Args:
        only: that height and width, see ``only_size``.
        images: images (N, C, H, W).
        hint: what to write for another size.

    Raises:
        UserError: the images have another size.
    """
    height, width = images.shape[-2:]
    if only is not None and (height, width) != only:
        raise UserError(
            f'an image of {width}x{height} does not fit this network, which takes '
            f'{only[1]}x{only[0]} alone; {hint}'
        )
