"""The networks of configs/zoo: what they are made of, and that each does all that a recipe does."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

import custom_modules.models  # noqa: F401
from custom_modules.base.errors import UserError
from custom_modules.commands.export import export
from custom_modules.commands.publish import publish
from custom_modules.commands.test import test as score
from custom_modules.commands.train import train
from custom_modules.config import LoadedConfig, load_config
from custom_modules.export.onnx_files import load_onnx
from custom_modules.models.attention_unet_head import AttentionGate, AttentionUNetHead
from custom_modules.models.blocks import UpBlock
from custom_modules.models.res_unet import ResidualUnit
from custom_modules.models.unet_plus_plus_head import UNetPlusPlusHead
from petseg import load
from tests.conftest import ROOT, TINY
from tests.same_training import assert_same_training, power_cut

LEAVES = sorted(path for path in (ROOT / 'configs' / 'zoo').glob('*.py') if path.stem != '_base_')

#: What makes a network small enough for a test.
OURS = ['width=0.0625']
RESNET = ['model.backbone.base_channels=4', 'model.backbone.stem_channels=4']
SMALL = {
    'deeplabv3_plus': [
        *(*RESNET, 'model.decode_head.in_channels=32', 'model.decode_head.channels=8'),
        'model.decode_head.c1_in_channels=4',
    ],
    'pspnet': [*RESNET, 'model.decode_head.in_channels=32', 'model.decode_head.channels=8'],
    'upernet': [
        *(*RESNET, 'model.decode_head.in_channels=[4,8,16,32]', 'model.decode_head.channels=8'),
    ],
    'fpn': [
        *(*RESNET, 'model.neck.in_channels=[4,8,16,32]', 'model.neck.out_channels=8'),
        *('model.decode_head.in_channels=[8,8,8,8]', 'model.decode_head.channels=8'),
    ],
    'hrnet_w18': [
        'model.backbone.extra.stage3.num_modules=1',
        'model.backbone.extra.stage4.num_modules=1',
        'model.decode_head.channels=8',
    ],
    'segformer_b0': [
        *('model.backbone.embed_dims=4', 'model.backbone.num_layers=[1,1,1,1]'),
        *('model.decode_head.in_channels=[4,8,20,32]', 'model.decode_head.channels=8'),
    ],
    'swin_upernet': [
        *('model.backbone.embed_dims=12', 'model.backbone.depths=[2,1,1,1]'),
        *('model.decode_head.in_channels=[12,24,48,96]', 'model.decode_head.channels=8'),
    ],
    'mobilenet_v2': ['model.decode_head.channels=[8,4,4]'],
    'stdc1': ['model.decode_head.channels=8'],
    'bisenet_v2': ['model.decode_head.channels=8'],
}


def small(name: str, sample: Path) -> LoadedConfig:
    options = [*TINY, 'image_size=64', 'precision=fp32', 'cache=False', f'data_root={sample}']
    options += ['train_dataloader.dataset.indices=8', *SMALL.get(name, OURS)]
    config = load_config(ROOT / 'configs' / 'zoo' / f'{name}.py', options)
    config.resolved.experiment_name = name
    return config


@pytest.mark.parametrize('path', LEAVES, ids=lambda path: path.stem)
def test_a_leaf_is_short_and_says_how_many_parameters(path: Path) -> None:
    text = path.read_text(encoding='utf-8')
    assert len(text.splitlines()) <= 15
    model = MODELS.build(load_config(path).resolved.model)
    found = re.search(r': ([\d,]+) parameters\."""', text)
    assert found, text
    assert found[1] == f'{sum(weights.numel() for weights in model.parameters()):,}'


@pytest.mark.parametrize('name', [path.stem for path in LEAVES])
def test_contract_of_every_network(
    name: str, sample: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It trains, goes on after a cut to the last bit, and is tested."""
    whole = train(small(name, sample), str(tmp_path / 'whole'))

    with power_cut(monkeypatch):
        train(small(name, sample), str(tmp_path / 'parts'))
    parts = train(small(name, sample), str(tmp_path / 'parts'), resume='')
    assert_same_training(whole, parts)
    result = score(small(name, sample), str(whole / 'best.pth'), str(tmp_path / 'test'))
    assert result is not None and result['num_images'] == 6 and 0 <= result['Dice'] <= 1


class Sum(nn.Module):
    """A block that adds one number of what is below to all channels of the skip, added up."""

    def __init__(self, *_: object) -> None:
        super().__init__()

    def forward(self, below: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        return skip.sum(1, keepdim=True) + below.repeat_interleave(2, 2).repeat_interleave(2, 3)


def test_the_nodes_of_unet_plus_plus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Features of 1, 10 and 100: X01 = 1 + 10, X11 = 10 + 100, X02 = 1 + 11 + 110 by hand."""
    monkeypatch.setattr(UNetPlusPlusHead, 'up_block', Sum)
    head = UNetPlusPlusHead(in_channels=[1, 1, 1], channels=[1, 1])
    features = [torch.full((1, 1, 4 // 2**i, 4 // 2**i), 10.0**i) for i in range(3)]
    assert set(dict(head.up_blocks.named_children())) == {'0_1', '1_1', '0_2'}
    torch.testing.assert_close(head.decoded(features), torch.full((1, 1, 4, 4), 122.0))


def test_the_widths_of_unet_plus_plus() -> None:
    """Each node takes all before it at its level: by hand for levels of 2, 3, 5 and widths 7, 4."""
    head = UNetPlusPlusHead(in_channels=[2, 3, 5], channels=[7, 4])
    blocks = dict(head.up_blocks.named_children())
    into = {name: block.conv[0].weight.shape[1] for name, block in blocks.items()}
    assert into == {'0_1': 4 + 2, '1_1': 7 + 3, '0_2': 4 + 2 + 4}


def test_an_attention_gate_by_hand() -> None:
    """Skip 2, gate 3: relu(1 * 2 + 2 * 3 - 7) = 1, weight sigmoid(1 * ln 3) = 0.75."""
    gate = AttentionGate(1, 1, 1)
    for layer, weight, bias in ((gate.skip, 1, -7), (gate.gate, 2, 0), (gate.weight, 1.0986123, 0)):
        nn.init.constant_(layer[0].weight, weight)
        nn.init.constant_(layer[0].bias, bias)
    skip, decoded = torch.full((1, 1, 2, 2), 2.0), torch.full((1, 1, 2, 2), 3.0)
    torch.testing.assert_close(gate(skip, decoded), torch.full((1, 1, 2, 2), 1.5))


def test_an_open_attention_gate_leaves_a_unet() -> None:
    """With weights of 1 everywhere the head computes what a U-Net's blocks compute."""
    torch.manual_seed(0)
    head = AttentionUNetHead(in_channels=[2, 3], channels=[4]).eval()
    block = head.up_blocks[0]
    nn.init.zeros_(block.attention.weight[0].weight)
    nn.init.constant_(block.attention.weight[0].bias, 50.0)
    fine, coarse = torch.randn(1, 2, 8, 8), torch.randn(1, 3, 4, 4)
    torch.testing.assert_close(head.decoded([fine, coarse]), UpBlock.forward(block, coarse, fine))


def test_a_residual_unit_adds() -> None:
    """Without its convolutions it is the 1x1 convolution beside them, normalised."""
    torch.manual_seed(0)
    unit = ResidualUnit(2, 3, stride=2).eval()
    nn.init.zeros_(unit.convs[-1].weight)
    nn.init.zeros_(unit.convs[-1].bias)
    x = torch.randn(1, 2, 4, 4)
    torch.testing.assert_close(unit(x), unit.identity(x))
    assert unit(x).shape == (1, 3, 2, 2) and len(ResidualUnit(2, 3, first=True).convs) == 4


@pytest.mark.usefixtures('converted_once')
def test_from_a_network_of_mmsegmentation_to_a_published_one(sample: Path, tmp_path: Path) -> None:
    """Its files are for images of one size, say so, and refuse others."""
    config = small('pspnet', sample)
    run = train(config, str(tmp_path / 'runs'))
    result = score(config, str(run / 'best.pth'), str(run / 'test'))
    assert result is not None
    with pytest.raises(UserError, match=r'cannot be written for batches of every size'):
        swin = small('swin_upernet', sample)
        export(swin, str(train(swin, str(tmp_path / 'swin')) / 'best.pth'), 'onnx')
    _, parity = export(config, str(run / 'best.pth'), 'onnx', images=6)
    without = load_config(run / 'config.py', ['data_root=nowhere'])
    path, _ = export(without, str(run / 'best.pth'), 'onnx', str(tmp_path / 'a.onnx'), images=0)
    with pytest.raises(UserError, match='cannot compute'):
        load_onnx(path)(np.zeros((1, 3, 96, 96), np.uint8))
    assert load_onnx(path)(np.zeros((3, 3, 64, 64), np.uint8)).shape == (3, 1, 64, 64)
    assert parity is not None and parity.flipped < 1e-3
    metrics = [run / 'test' / 'metrics.json']
    publish(config, str(run / 'best.pth'), tmp_path / 'published', metrics=metrics, images=6)
    picture = next((sample / 'images').glob('*.jpg'))
    mask = load(tmp_path / 'published')(picture).mask
    assert (mask == load(run / 'config.py', run / 'best.pth')(picture).mask).mean() > 0.99
