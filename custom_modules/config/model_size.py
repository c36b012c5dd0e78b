"""How large a model would be, found out on torch's meta device, where tensors have no values."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from mmengine.registry import MODELS
from torch import nn
from torch.nn.modules import module as hooks
from torch.overrides import TorchFunctionMode

from ..base.errors import UserError
from .held_datasets import pipeline_of

#: Weights of a network (4 GB in float32), its parts, and the values of its largest feature map for
#: one image (2 GiB).
MOST_WEIGHTS, MOST_PARTS, MOST_VALUES = 1_000_000_000, 10_000, 2**29

#: The largest multiple that the sides of an image may have to be.
_LARGEST_DIVISOR = 1_024

#: Side of an image where the pipeline gives it none: that of a window.
_SIDE = 512


class TooLargeError(Exception):
    """A model goes beyond the bounds; the message says by what."""


def check_model_size(config: dict[str, Any], source: str) -> None:
    """Build the model of a config and run it once, without memory for weights or features.

    Args:
        config: resolved config, all types of which were checked.
        source: config file's path, for messages.

    Raises:
        UserError: the model cannot be built, does not take an image, or is too large.
    """
    try:
        with torch.device('meta'), _NumbersOnCPU(), _bounded_parts():
            model: Any = MODELS.build(config['model'])
            divisor = model.size_divisor
            if divisor > _LARGEST_DIVISOR:
                raise TooLargeError(
                    f'wants sides that are multiples of more than {_LARGEST_DIVISOR:,}'
                )
            height, width = (-(-side // divisor) * divisor for side in _sides(config))
            with torch.no_grad(), _bounded_features():
                channels = getattr(model, 'in_channels', 3)
                model.eval()(torch.empty(1, channels, height, width), mode='tensor')
    except UserError as error:
        raise UserError(f'{source}: its model cannot be built ({error})') from None
    except TooLargeError as error:
        raise UserError(f'{source}: its model is refused, because it {error}') from None
    except Exception as error:  # what wrong arguments make a network stumble over has no end
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f'{source}: its model cannot be built ({type(error).__name__}: {reason[:200]})'
        ) from None


def _sides(config: dict[str, Any]) -> tuple[int, int]:
    """Return the largest side that the test's pipeline gives an image, as height and width."""
    steps = pipeline_of(config['test_dataloader']['dataset'])
    scales = [step[key] for step in steps for key in ('scale', 'size', 'crop_size') if key in step]
    sides = [side for scale in scales for side in (scale if isinstance(scale, list) else [scale])]
    largest = max([side for side in sides if isinstance(side, int)], default=_SIDE)
    return max(largest, 1), max(largest, 1)


class _NumbersOnCPU(TorchFunctionMode):
    """Give numbers their values: some constructors read them back (MixUp's alpha, drop rates)."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.tensor, torch.linspace):
            kwargs['device'] = 'cpu'
        return func(*args, **kwargs)


@contextmanager
def _bounded_parts() -> Iterator[None]:
    """Count weights and parts while a network is put together, and stop at the bounds."""
    weights = parts = 0

    def count(_: nn.Module, __: str, part: Any) -> None:
        nonlocal weights, parts
        parts += 1
        weights += part.numel() if isinstance(part, torch.Tensor) else 0
        if parts > MOST_PARTS:
            raise TooLargeError(f'has more than {MOST_PARTS:,} parts')
        if weights > MOST_WEIGHTS:
            raise TooLargeError(f'has more than {MOST_WEIGHTS:,} weights')

    handles = [
        register(count)
        for register in (
            hooks.register_module_parameter_registration_hook,
            hooks.register_module_buffer_registration_hook,
            hooks.register_module_module_registration_hook,
        )
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _bounded_features() -> Iterator[None]:
    """Stop at a feature map that is too large."""

    def look(_: nn.Module, __: Any, output: Any) -> None:
        if isinstance(output, torch.Tensor) and output.numel() > MOST_VALUES:
            raise TooLargeError(
                f'makes a feature map of {output.numel():,} values of one image, at most '
                f'{MOST_VALUES:,}'
            )

    handle = hooks.register_module_forward_hook(look)
    try:
        yield
    finally:
        handle.remove()
