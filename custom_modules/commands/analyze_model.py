"""What ``tools/analyze_model.py`` does."""

import copy
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.registry import MODELS, OPTIMIZERS
from torch import nn

from ..base.device import device_of
from ..base.errors import UserError
from ..base.json_file import write_json
from ..base.paths import make_writable, short_path
from ..config import LoadedConfig
from ..engine.memory_use import available_memory, memory_limit
from ..models.activation_memory import kept_bytes, peak_bytes
from ..models.cost import latency, operations_of_parts
from ..models.feature_maps import feature_maps
from ..models.network import check_sides, features_of, head_logits
from ..models.precision import autocast, memory_format, resolve_dtype
from ..models.receptive_field import receptive_field
from ..runs.environment import environment
from ..runs.trained_with import image_size, windows
from ..visualization.pyramid_figure import save_pyramid

#: The files of an analysis in its folder.
RECORD, PICTURE = 'analysis.json', 'pyramid.png'

#: Side of an image where the pipeline gives it none, in pixels.
_SIDE = 512

#: Bytes of a number in float32.
_FLOAT = 4


def analyze_model(config: LoadedConfig, out: Path | None = None) -> dict[str, Any]:
    """Return what the network of a config is and costs; nothing is trained or read.

    Multiply-accumulates (MACs) are those of convolutions, matrix products and attention for one
    image; an operation of other tools (FLOP) is often half of one. Memory is that of tensors in
    float32: what libraries need beside them differs from machine to machine.

    Args:
        config: loaded config; its weights are drawn at random, and no file is read for them.
        out: folder for ``analysis.json`` and ``pyramid.png``; None writes none.

    Returns:
        What ``analysis.json`` holds: ``parameters`` and ``multiply_accumulates``, each by part and
        in ``total``; ``memory`` of ``training`` and ``prediction`` in bytes; ``latency`` of one
        image in milliseconds by precision; ``receptive_field``, height and width in pixels;
        ``feature_maps``; ``image_size``, height and width; device and versions. What a network of
        somebody else does not let be measured is None.

    Raises:
        UserError: the model cannot be built or does not take an image of the config's size.
    """
    if out is not None:
        make_writable(out, '--out')
    values = config.resolved
    device_of(values)
    torch.manual_seed(0)
    try:
        model = MODELS.build(values.model).eval()
        channels = int(getattr(model, 'in_channels', 3))
        divisor = int(getattr(model, 'size_divisor', 1))
        height, width = _size(values, divisor)
        images = torch.randn(1, channels, height, width)
        record = _counted(model, images)
    except UserError as error:
        raise UserError(f'{config.path}: {error}') from None
    except Exception as error:  # what wrong arguments make a network stumble over has no end
        reason = (str(error) or type(error).__name__).splitlines()[0][:200]
        raise UserError(
            f'{config.path}: its model cannot be built or run ({type(error).__name__}: {reason})'
        ) from None
    batch = (values.get('train_dataloader') or {}).get('batch_size', 1)
    record |= dict(
        memory=dict(
            training=_tried(lambda: _training_memory(model, values, images.shape[1:], batch)),
            prediction=_tried(lambda: _prediction_memory(model, images.shape[1:])),
        ),
        receptive_field=_tried(lambda: _receptive_field(model, channels, divisor)),
        latency=_latencies(model, images),
    )
    record = dict(config=short_path(config.path), image_size=[height, width]) | record
    record |= environment()
    if out is not None:
        write_json(out / RECORD, record)
        save_pyramid(
            record['feature_maps'], (channels, height, width), out / PICTURE, _title(record)
        )
    return record


def _size(config: Mapping[str, Any], divisor: int) -> tuple[int, int]:
    """Return height and width of what the network of a config sees in a test."""
    loaders = (config.get(f'{stage}_dataloader') for stage in ('test', 'val', 'train'))
    dataset: Mapping[str, Any] = next((loader['dataset'] for loader in loaders if loader), {})
    slides = windows(dataset)
    side = int(slides['size']) if slides else image_size(dataset) or -(-_SIDE // divisor) * divisor
    width, height = (side, side) if isinstance(side, int) else map(int, side)
    check_sides(width, height, divisor, bool(slides))
    return height, width


def _counted(model: nn.Module, images: torch.Tensor) -> dict[str, Any]:
    """Return parameters, operations and feature maps."""
    probe, seen = copy.deepcopy(model).to('meta'), images.to('meta')
    try:
        maps, operations = feature_maps(probe, seen), operations_of_parts(probe, seen)
    except Exception:  # an operator of somebody else that computes with values
        maps, operations = feature_maps(model, images), operations_of_parts(model, images)
    parts = {name: _parameters(part) for name, part in model.named_children()}
    return dict(
        model=type(model).__name__,
        parts={name: type(getattr(model, name)).__name__ for name, n in parts.items() if n},
        parameters={name: n for name, n in parts.items() if n} | dict(total=_parameters(model)),
        trained_parameters=_parameters(model, trained=True),
        multiply_accumulates=operations,
        feature_maps=[asdict(one) for one in maps],
    )


def _parameters(module: nn.Module, trained: bool = False) -> int:
    return sum(one.numel() for one in module.parameters() if one.requires_grad or not trained)


class _Trained(nn.Module):
    """What a training runs: the network, and the auxiliary heads that a prediction leaves out."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, images: torch.Tensor) -> Any:
        heads = getattr(self.model, 'auxiliary_head', ())
        if not heads:
            return self.model(images)
        features = features_of(self.model, images)
        return [head_logits(one, features, images) for one in (self.model.decode_head, *heads)]


def _training_memory(
    model: nn.Module, config: Mapping[str, Any], shape: torch.Size, batch_size: int
) -> dict[str, int]:
    """Return the bytes of a training step: weights, gradients, optimiser, features, all of it."""
    trained = _FLOAT * _parameters(model, trained=True)
    found = dict(
        batch_size=batch_size,
        weights=_weights(model),
        gradients=trained,
        optimizer=round(trained * _states_of(config)),
        features_of_image=kept_bytes(_Trained(model), *shape),
    )
    features = batch_size * found['features_of_image']
    return found | dict(total=found['weights'] + found['gradients'] + found['optimizer'] + features)


def _prediction_memory(model: nn.Module, shape: torch.Size) -> dict[str, int]:
    features = peak_bytes(model, *shape)
    return dict(
        weights=_weights(model), features_of_image=features, total=_weights(model) + features
    )


def _weights(model: nn.Module) -> int:
    return sum(one.numel() * one.element_size() for one in (*model.parameters(), *model.buffers()))


def _states_of(config: Mapping[str, Any]) -> float:
    """Return how many numbers the optimiser of a config keeps of a weight: of Adam two."""
    settings = (config.get('optim_wrapper') or {}).get('optimizer')
    if settings is None:
        return 0
    weight = nn.Parameter(torch.zeros(4, 4))
    optimizer = OPTIMIZERS.build(dict(settings) | dict(params=[weight]))
    weight.sum().backward()
    optimizer.step()
    kept = optimizer.state[weight].values()
    return sum(one.numel() for one in kept if isinstance(one, torch.Tensor) and one.ndim) / 16


def _receptive_field(model: nn.Module, channels: int, divisor: int) -> list[int | None]:
    # Attention over a long image may want more than there is: an error is better than a kill.
    with memory_limit(available_memory()):
        return [*receptive_field(model, channels, divisor)]


def _latencies(model: nn.Module, images: torch.Tensor) -> dict[str, Any]:
    """Return the latency of one image in fp32, and in bf16 where this machine is fast at it."""
    device = get_device()
    model, images = model.to(device), images.to(device)
    found: dict[str, Any] = {}
    for name in ('fp32', 'bf16'):
        dtype = resolve_dtype(name, device)
        if name != 'fp32':
            if resolve_dtype('auto', device) != dtype:
                found[name] = None
                continue
            model.to(memory_format=memory_format(device))  # type: ignore[call-overload]
        with torch.inference_mode(), autocast(dtype, device):
            found[name] = latency(lambda: model(images))
    return found


def _tried(measure: Any) -> Any:
    """Return what is measured; None where a network of somebody else cannot be run that way."""
    try:
        return measure()
    except Exception:  # an operator without values, another number format, an image of another size
        return None


def describe(record: Mapping[str, Any]) -> str:
    """Return an analysis as the lines a person reads."""
    height, width = record['image_size']
    lines = [f'{record["config"]}: {record["model"]}, an image of {width}x{height}', '']
    parameters, operations = record['parameters'], record['multiply_accumulates']
    lines += [f'{"part":34} {"parameters":>14} {"":7} {"MACs of an image":>20}']
    for name in dict.fromkeys([*parameters, *operations]):
        kind = record['parts'].get(name)
        lines.append(
            f'{f"{name} ({kind})" if kind else name:34}'
            f' {_with_share(parameters, name, 14)} {_with_share(operations, name, 20)}'
        )
    lines += ['(1 MAC is a multiplication and an addition: 2 FLOPs)', '', *_memory_lines(record)]
    for name, timed in record['latency'].items():
        lines.append(
            f'latency, one image, {name}: '
            + (
                f'{timed["median"]:.1f} ms ({timed["low"]:.1f} to {timed["high"]:.1f})'
                if timed
                else 'not measured, this machine has no instructions for it'
            )
        )
    lines[-1] += f'; {record["device"]}'
    lines += [f'receptive field of the logit in the centre: {_field(record)}', '']
    lines += [f'{"feature map":34} {"channels":>9} {"width x height":>16} {"stride":>7}']
    for one in record['feature_maps']:
        size = f'{one["width"]}x{one["height"]}'
        name = ' '.join(filter(None, (one['part'], one['name'])))
        lines.append(f'{name:34} {one["channels"]:9,} {size:>16} {height / one["height"]:7g}')
    return '\n'.join(lines)


def _with_share(numbers: Mapping[str, int], name: str, columns: int) -> str:
    number, total = numbers.get(name, 0), max(1, numbers['total'])
    return f'{number:{columns},} {number / total:6.1%}'


def _memory_lines(record: Mapping[str, Any]) -> list[str]:
    lines = []
    for stage, found in record['memory'].items():
        if found is None:
            lines.append(
                f'memory of the {stage}: not known, the network does not run without memory'
            )
            continue
        number = found.get('batch_size', 1)
        parts = [f'{key} {_mebibytes(found[key])}' for key in found if key in _HELD]
        features = f'features {number} x {_mebibytes(found["features_of_image"])}'
        lines.append(
            f'memory of the {stage}, {number} image{"s" * (number > 1)}: '
            f'{_mebibytes(found["total"])} ({", ".join([*parts, features])})'
        )
    return [*lines, '(tensors in float32; find_batch_size.py measures a training as it runs)', '']


#: Of the memory of a stage, what does not grow with the images.
_HELD = ('weights', 'gradients', 'optimizer')


def _mebibytes(size: int) -> str:
    return f'{size / 2**20:,.1f} MiB'


def _field(record: Mapping[str, Any]) -> str:
    found = record['receptive_field']
    if found is None:
        return 'not known'
    sides = [f'{side:,}' if side else 'more than 2,048' for side in reversed(found)]
    return f'{" x ".join(sides)} pixels' + ('' if all(found) else ', or the whole image')


def _title(record: Mapping[str, Any]) -> str:
    parameters, operations = record['parameters']['total'], record['multiply_accumulates']['total']
    return f'{record["config"]}: {parameters:,} parameters, {operations / 1e9:.2f} G MACs'
