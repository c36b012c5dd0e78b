"""What one image costs: counted by hand, timed by a clock that is told what to say, and kept."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from custom_modules.commands.test import test as run_test
from custom_modules.config import load_config
from custom_modules.models import cost
from custom_modules.models.cost import cost_of_image, latency
from custom_modules.models.test_time_augmentation import TestTimeAugmentation as Averaged
from custom_modules.runs.metrics_text import describe
from tests.conftest import tiny_options

CONFIG = 'configs/sample/unet_sample.py'


@pytest.mark.parametrize('config', [CONFIG, 'configs/resnet34_unet_pet.py'])
@pytest.mark.parametrize('size', [(64, 128), (128, 64)], ids=str)
def test_operations_by_hand(
    config: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A convolution multiplies each weight once for each place, a transposed one of its input."""
    model = MODELS.build(load_config(config).resolved.model).eval()
    places: list[int] = []

    def look(layer: nn.Module, inputs: tuple, output: torch.Tensor) -> None:
        grid = inputs[0] if isinstance(layer, nn.ConvTranspose2d) else output
        places.append(layer.weight.numel() * grid.shape[-2] * grid.shape[-1])

    for layer in model.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(look)
    monkeypatch.setattr(cost, 'latency', lambda _: dict(runs=9))
    assert cost_of_image(model, torch.zeros(1, 3, *size), torch.float32) == dict(
        parameters=sum(p.numel() for p in model.parameters()),
        multiply_accumulates=sum(places),
        image_size=[*size],
        latency=dict(runs=9),
    )


@pytest.mark.parametrize(
    ('seconds', 'runs'), [(0.01, cost.MOST_RUNS), (0.5, 6), (20.0, cost.FEWEST_RUNS)]
)
def test_a_slow_network_is_run_less_often(
    seconds: float, runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, calls = [0.0], []
    monkeypatch.setattr(cost.time, 'perf_counter', lambda: now[0])

    def step() -> None:
        calls.append(None)
        # The first ones take longer, which must not count; then one in seven does.
        slow = 9 if len(calls) <= cost.WARM_UP else 2 if len(calls) % 7 == 0 else 1
        now[0] += seconds * slow

    found = latency(step)
    assert found['runs'] == len(calls) - cost.WARM_UP <= runs
    assert found['median'] == found['low'] == pytest.approx(1000 * seconds)
    assert found['high'] == pytest.approx(2000 * seconds) or runs <= 6


def test_what_is_kept_and_printed(sample: Path, checkpoint: Path, tmp_path: Path) -> None:
    config = load_config(CONFIG, tiny_options(sample, 'image_size=(64,32)'))
    result = run_test(config, str(checkpoint), str(tmp_path))
    assert result
    kept = json.loads((tmp_path / 'metrics.json').read_text())['cost']
    assert kept == result['cost']
    assert kept['image_size'] == [32, 64]
    timed = kept['latency']
    assert 0 < timed['low'] <= timed['median'] <= timed['high']
    line = next(line for line in describe(result).splitlines() if 'parameters' in line)
    assert line == (
        f'{kept["parameters"]:,} parameters, {kept["multiply_accumulates"] / 1e9:.2f} G '
        f'multiply-accumulates and {timed["median"]:.1f} ms ({timed["low"]:.1f} to '
        f'{timed["high"]:.1f}) for an image of 64x32'
    )
    quick = run_test(config, str(checkpoint), str(tmp_path), quick=True)
    assert quick and 'cost' not in quick and 'parameters' not in describe(quick)


def test_averaged_views_are_timed_and_not_counted() -> None:
    model = MODELS.build(load_config(CONFIG).resolved.model).eval()
    once = cost_of_image(model, torch.zeros(1, 3, 32, 32), torch.float32)
    passes: list[int] = []
    model.backbone.register_forward_hook(lambda *_: passes.append(1))
    model.network = Averaged(model.network, model.decode_head.size_divisor, [1.0])
    views = cost_of_image(model, torch.zeros(1, 3, 32, 32), torch.float32)
    runs = cost.WARM_UP + views['latency']['runs']
    assert len(passes) == 1 + 2 * runs  # the image and its mirror image
    assert views['multiply_accumulates'] == once['multiply_accumulates']
