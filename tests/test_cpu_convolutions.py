"""The convolutions of a CPU learn what torch's do."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from custom_modules.config import load_config
from custom_modules.engine import PetSegRunner
from custom_modules.models import cpu_convolutions
from custom_modules.models.cpu_convolutions import (
    CpuConv2d,
    CpuConvTranspose2d,
    most_positions,
    use_cpu_convolutions,
)
from tests.conftest import TINY

LAYERS = [
    (nn.Conv2d(64, 96, 3, stride=2, padding=1), (2, 64, 9, 7)),
    (nn.Conv2d(64, 64, (3, 1), stride=(1, 2), padding=(1, 0), bias=False), (3, 64, 5, 6)),
    (nn.Conv2d(80, 64, 1), (1, 80, 4, 4)),
    (nn.Conv2d(64, 64, 3, padding=1), (2, 64, 40, 40)),  # too large for the product
    (nn.Conv2d(8, 4, 3, padding=1), (2, 8, 5, 5)),  # too few channels
    (nn.ConvTranspose2d(80, 64, 2, stride=2), (2, 80, 5, 3)),
    (nn.ConvTranspose2d(8, 4, (2, 3), stride=(2, 3), bias=False), (2, 8, 5, 3)),
]


@pytest.mark.parametrize(('layer', 'shape'), LAYERS, ids=lambda one: str(one).replace(' ', ''))
def test_outputs_and_gradients(
    layer: nn.Module, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against torch's own in float64, from the same values: what bf16 rounds is left."""
    generator = torch.Generator().manual_seed(0)
    quick = copy.deepcopy(layer)
    for parameter in quick.parameters():
        values = torch.randn(parameter.shape, generator=generator)
        parameter.data = values.bfloat16().float()
    exact = copy.deepcopy(quick).double()
    use_cpu_convolutions(nn.Sequential(quick))
    assert type(quick) in (CpuConv2d, CpuConvTranspose2d)
    products: list[torch.Tensor] = []
    whole = cpu_convolutions._gradient_of_weight
    monkeypatch.setattr(
        cpu_convolutions,
        '_gradient_of_weight',
        lambda *args: products.append(whole(*args)) or products[-1],
    )
    inputs = torch.randn(shape, generator=generator).bfloat16().float()
    found: list[list[torch.Tensor]] = []
    for module, dtype in ((quick, torch.float32), (exact, torch.float64)):
        given = inputs.detach().to(dtype, copy=True).requires_grad_()
        with torch.autocast('cpu', torch.bfloat16, enabled=module is quick):
            output = module(given)
        wave = torch.cos(torch.arange(output.numel(), dtype=torch.float64)).view(output.shape)
        output.backward(wave.bfloat16().to(output.dtype))
        found.append([output, given.grad, *(one.grad for one in module.parameters())])
    assert found[0][0].dtype == torch.bfloat16
    for quick_one, exact_one in zip(*found, strict=True):
        assert quick_one.shape == exact_one.shape
        assert (quick_one.double() - exact_one).norm() <= 4e-3 * exact_one.norm()
    out, into = layer.weight.shape[:2]
    assert len(products) == (min(out, into) >= 64 and shape[2] < 40)


def test_which_layers() -> None:
    """Layers that it cannot do, and classes of others, stay what they are."""

    class Own(nn.Conv2d):
        pass

    left = nn.Sequential(
        nn.Conv2d(4, 4, 3, groups=2),
        nn.Conv2d(4, 4, 3, dilation=2),
        nn.Conv2d(4, 4, 3, padding='same'),
        nn.Conv2d(4, 4, 3, padding=1, padding_mode='reflect'),
        nn.ConvTranspose2d(4, 4, 3, stride=2),
        nn.ConvTranspose2d(4, 4, 2, stride=2, padding=1),
        nn.ConvTranspose2d(4, 4, 2, stride=2, groups=2),
        Own(4, 4, 3),
    )
    before = [type(one) for one in left]
    use_cpu_convolutions(left)
    assert [type(one) for one in left] == before


def test_without_autocast_or_gradients_it_is_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = nn.Conv2d(64, 64, 3, padding=1)
    inputs = torch.rand(1, 64, 4, 4)
    expected = layer(inputs)
    use_cpu_convolutions(nn.Sequential(layer))
    monkeypatch.setattr(cpu_convolutions, '_convolve', None)
    assert torch.equal(layer(inputs), expected)
    with torch.autocast('cpu', torch.bfloat16):
        with torch.no_grad():
            assert layer(inputs).dtype == torch.bfloat16
        with pytest.raises(TypeError):
            layer(inputs)


@pytest.mark.parametrize(('amx', 'positions'), [(True, 1024), (False, 256)])
def test_most_positions(amx: bool, positions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, '_is_amx_tile_supported', lambda: amx, raising=False)
    assert most_positions.__wrapped__() == positions


@pytest.mark.parametrize('precision', ['bf16', 'fp32'])
def test_a_training_in_bf16_has_them(precision: str, sample: Path, tmp_path: Path) -> None:
    options = [*TINY, f'data_root={sample}', f'precision={precision}', 'device="cpu"']
    config = load_config('configs/sample/unet_sample.py', options).resolved
    config.work_dir = str(tmp_path)
    runner = PetSegRunner.from_cfg(config)
    kinds = {type(one) for one in runner.model.modules()}
    quick = {CpuConv2d, CpuConvTranspose2d}
    assert kinds & quick == (quick if precision == 'bf16' else set())
    assert not kinds & {nn.Conv2d, nn.ConvTranspose2d} or precision == 'fp32'
