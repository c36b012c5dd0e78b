"""What a network is and costs, by numbers that were worked out by hand."""

import json
from pathlib import Path

import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from custom_modules.commands import analyze_model as analysing
from custom_modules.commands.analyze_model import analyze_model, describe
from custom_modules.config import load_config
from custom_modules.models.activation_memory import peak_bytes
from custom_modules.models.receptive_field import receptive_field
from tests.conftest import ROOT, Command

CONFIG = 'configs/sample/unet_sample.py'

#: Two levels of 2 and 4 channels without normalisation, images of 16x8 pixels.
TINY = [
    'image_size=(16,8)',
    'width=1',
    'batch_size=3',
    'model.backbone.channels=[2,4]',
    'model.decode_head.channels=[2]',
    'model.backbone.norm_cfg=None',
    'model.decode_head.norm_cfg=None',
]

OTHERS = {
    'head, neck and auxiliary head of MMSegmentation': """
model = dict(
    backbone=dict(_delete_=True, type='mmseg.ResNet', depth=18, base_channels=4, stem_channels=4),
    neck=dict(type='mmseg.FPN', in_channels=[4, 8, 16, 32], out_channels=8, num_outs=4),
    decode_head=dict(
        _delete_=True, type='mmseg.FCNHead', channels=4, in_index=0, norm_cfg=dict(type='BN')
    ),
    auxiliary_head=dict(type='mmseg.FCNHead', channels=4, in_index=2),
)
""",
    'whole network': """
custom_imports = dict(imports=['attends'])
model = dict(backbone=dict(_delete_=True, type='Attends'), decode_head=None)
""",
}

ATTENDS = """
import torch
from mmengine.registry import MODELS
from torch import nn

@MODELS.register_module()
class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells = nn.Conv2d(3, 8, 4, stride=4)
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.last = nn.Conv2d(8, 1, 1)

    def forward(self, images):
        cells = self.cells(images)
        flat = self.layer(cells.flatten(2).transpose(1, 2))
        return dict(out=self.last(flat.transpose(1, 2).reshape(cells.shape)))
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each network once where its latency would be measured, and look at short images."""

    def once(step: object) -> dict[str, float]:
        assert callable(step) and isinstance(step(), torch.Tensor)
        return dict(median=2.0, low=1.0, high=4.0, runs=1)

    monkeypatch.setattr(analysing, 'latency', once)
    monkeypatch.setattr('custom_modules.models.receptive_field._LONGEST', 256)


def test_a_tiny_unet_by_hand(tmp_path: Path) -> None:
    found = analyze_model(load_config(CONFIG, TINY), tmp_path / 'a')
    fine, coarse = (3 * 9 + 1) * 2 + (2 * 9 + 1) * 2, (2 * 9 + 1) * 4 + (4 * 9 + 1) * 4
    up, last = (4 * 4) * 2 + 2, (4 * 9 + 1) * 2 + (2 * 9 + 1) * 2
    parts = dict(backbone=fine + coarse, decode_head=up + last + 2 + 1)
    assert found['parameters'] == parts | dict(total=sum(parts.values()))
    # A weight of a convolution multiplies once a pixel, 128 of them and 32 at half the size.
    encoder = 128 * 9 * (3 * 2 + 2 * 2) + 32 * 9 * (2 * 4 + 4 * 4)
    head = 32 * 4 * (4 * 2) + 128 * (9 * (4 * 2 + 2 * 2) + 2)
    operations = dict(backbone=encoder, decode_head=head, total=encoder + head)
    assert found['multiply_accumulates'] == operations
    shapes = [(m['part'], m['channels'], m['width'], m['height']) for m in found['feature_maps']]
    assert shapes == [
        ('backbone', 2, 16, 8),
        ('backbone', 4, 8, 4),
        ('decode_head', 2, 16, 8),
        ('decode_head', 1, 16, 8),
    ]
    # A coarse cell sees 14 pixels; the two convolutions behind it see three cells side by side.
    assert found['receptive_field'] == [18, 18]
    weights, normalisation = 4 * sum(parts.values()), 4 * 6
    # Kept for the backward pass: the inputs of all convolutions and what ReLUs give, once each,
    # the places of the maxima as int64.
    full, half = 128, 32
    numbers = full * (3 + 2 + 2) + half * (2 + 4 + 4) + full * (4 + 2 + 2)
    training = found['memory']['training']
    assert training == dict(
        batch_size=3,
        weights=weights + normalisation,
        gradients=weights,
        optimizer=2 * weights,
        features_of_image=4 * numbers + 8 * half * 2,
        total=4 * weights + normalisation + 3 * (4 * numbers + 8 * half * 2),
    )
    assert json.loads((tmp_path / 'a' / 'analysis.json').read_text()) == found
    assert (tmp_path / 'a' / 'pyramid.png').stat().st_size > 5_000
    text = describe(found)
    assert f'{parts["backbone"]:,}' in text and '18 x 18 pixels' in text
    assert 'latency, one image, fp32: 2.0 ms (1.0 to 4.0)' in text


@pytest.mark.parametrize('name', OTHERS)
def test_networks_of_others(name: str, tmp_path: Path) -> None:
    (tmp_path / 'attends.py').write_text(ATTENDS)
    path = tmp_path / 'theirs.py'
    path.write_text(f"_base_ = '{ROOT / CONFIG}'\nimage_size = 32\n{OTHERS[name]}")
    found = analyze_model(load_config(path), tmp_path)
    model = MODELS.build(load_config(path).resolved.model)
    total = sum(parameter.numel() for parameter in model.parameters())
    assert found['parameters']['total'] == total
    assert sum(found['parameters'].values()) == 2 * total
    assert found['memory']['prediction']['weights'] >= 4 * total
    if name == 'whole network':
        # 64 cells: 4x4 pixels each, four projections, the products of attention, two more layers.
        tokens = 64 * (8 * 48 + 4 * 8 * 8 + 2 * 8 * 16 + 8) + 2 * 64 * 64 * 8
        assert found['multiply_accumulates']['total'] == tokens
        assert found['receptive_field'] == [None, None]
        assert 'or the whole image' in describe(found)
    else:
        assert [*found['parameters']] == [
            'backbone',
            'neck',
            'decode_head',
            'auxiliary_head',
            'total',
        ]
        assert 'auxiliary_head' not in found['multiply_accumulates']
        neck = [m for m in found['feature_maps'] if m['part'] == 'neck']
        assert [(m['channels'], m['width']) for m in neck] == [(8, 8), (8, 4), (8, 2), (8, 1)]


@pytest.mark.parametrize(
    ('layers', 'field'),
    [
        ([nn.Conv2d(3, 4, (3, 1), dilation=(2, 1), padding=(2, 0))], (5, 1)),
        # 7, and two steps of two pixels more.
        ([nn.Conv2d(3, 4, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1), nn.Upsample(None, 4)], (11,)),
        ([nn.Conv2d(3, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Upsample((9, 9))], (None,)),
    ],
)
def test_receptive_fields_by_hand(layers: list[nn.Module], field: tuple) -> None:
    assert receptive_field(nn.Sequential(*layers), 3, 4) == (field[0], field[-1])


def test_memory_of_a_prediction_by_hand() -> None:
    """At the second layer there are the image, what the layer is given and what it gives."""
    first, last = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 1)
    pixels = 4 * 10 * 10
    assert peak_bytes(nn.Sequential(first, nn.ReLU(), last), 3, 10, 10) == (3 + 8 + 8) * pixels
    within = nn.Sequential(first, nn.ReLU(inplace=True), last)
    assert peak_bytes(within, 3, 10, 10) == (3 + 8 + 4) * pixels


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['image_size=36'], 'use image_size = (32, 32)'),
        (['model.backbone.channels=[4,8,16]'], 'need 2 decoder widths'),
        (['model.backbone.in_channels=4'], 'is for images of 4 channels'),
        (['model.backbone.type=UNetEncodre'], 'did you mean UNetEncoder'),
    ],
)
def test_bad_configs_are_one_line(run_tool: Command, options: list[str], message: str) -> None:
    done = run_tool('analyze_model.py', CONFIG, '--cfg-options', *options)
    assert done.returncode == 2 and message in done.stderr and 'Traceback' not in done.stderr
