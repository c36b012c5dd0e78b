"""What the data decide: the plan of a training, line by line."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.registry import MODELS
from torch import nn

from custom_modules.config import load_config
from custom_modules.models.activation_memory import kept_bytes
from custom_modules.preparation.facts import Facts, facts_of, thickness
from custom_modules.preparation.plan import Machine, plan
from tests.conftest import ROOT

GIB = 2**30
LAPTOP, GPU = Machine(8 * GIB, False), Machine(24 * GIB, True)


@pytest.mark.parametrize(
    ('network', 'numbers'),
    [
        # The image alone; the weights do not count.
        (nn.Conv2d(3, 4, 3, padding=1), 3 * 64),
        # ReLU keeps its own result, which the next convolution keeps too.
        (nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU(), nn.Conv2d(4, 1, 1)), (3 + 4) * 64),
    ],
)
def test_bytes_that_a_step_keeps_by_hand(network: nn.Module, numbers: int) -> None:
    weights = [one.clone() for one in network.parameters()]
    assert kept_bytes(network, 3, 8, 8) == 4 * numbers
    assert all(torch.equal(a, b) for a, b in zip(weights, network.parameters(), strict=True))


def test_thickness_by_hand() -> None:
    strip = np.zeros((20, 30), bool)
    strip[8:12] = True  # four rows: distances 0.5, 1.5, 1.5, 0.5
    assert thickness(strip) == 4
    assert thickness(strip.T) == 4
    strip[5:15] = True
    assert thickness(strip) == 10
    y, x = np.mgrid[:101, :101]
    disc = (y - 50) ** 2 + (x - 50) ** 2 <= 30**2
    assert thickness(disc) == pytest.approx(40, rel=0.05)  # two thirds of 60
    assert thickness(np.ones((5, 9), bool)) == 5


def test_facts_by_hand() -> None:
    masks = [np.zeros((20, 30), np.uint8) for _ in range(5)]
    masks[0][8:12], masks[1][5:15], masks[2][:2] = 255, 255, 255
    masks[2][10:] = 127
    seen: list[int] = []
    facts = facts_of(iter(masks), 40, seen.append)
    # Two rows at the edge go on outside: as thick as four would be, 0.5 and 1.5 from the outline.
    assert facts == Facts(40, 20, 30, share=0.2, thickness=4.0)
    assert seen == [1, 2, 3, 4, 5]
    assert facts_of([masks[3]], 1, seen.append) == Facts(1, 20, 30, 0, 0)


@pytest.mark.parametrize(
    ('facts', 'machine', 'kept', 'expected'),
    [
        (
            Facts(1000, 375, 500, 0.3, 100),
            LAPTOP,
            25 * 2**20,
            dict(_base_='../listed_pairs_laptop.py', image_size=256, batch_size=16, max_epochs=24),
        ),
        (
            Facts(1000, 375, 500, 0.3, 100),
            GPU,
            400 * 2**20,
            dict(
                _base_='../listed_pairs_resnet34_unet.py',
                image_size=512,
                batch_size=16,
                max_epochs=161,
            ),
        ),
        (  # veins: three pixels of 600 are one of 256, so they are seen as they are
            Facts(20, 600, 600, 0.1, 3.0),
            LAPTOP,
            50 * 2**20,
            dict(
                _base_='../listed_pairs_patches.py',
                patch_size=256,
                width=0.5,
                batch_size=4,
                max_epochs=300,
                affine_prob=0.75,
            ),
        ),
        (  # thin, and small enough to be seen whole; rare, too: sqrt(0.96 / 0.04) = 4.9
            Facts(100, 240, 200, 0.04, 3.0),
            LAPTOP,
            50 * 2**20,
            dict(
                _base_='../listed_pairs_resnet34_unet.py',
                image_size=256,
                width=0.5,
                batch_size=16,
                max_epochs=250,
                affine_prob=0.75,
                foreground_weight=4.9,
            ),
        ),
        (  # a little memory: 0.4 of a GiB takes four times 100 MiB
            Facts(400, 100, 300, 0.0001, 50),
            Machine(GIB, False),
            100 * 2**20,
            dict(
                _base_='../listed_pairs_laptop.py',
                image_size=(256, 128),
                batch_size=4,
                max_epochs=15,
                foreground_weight=10.0,
            ),
        ),
        (
            Facts(3, 48, 64, 0, 0),
            LAPTOP,
            2**20,
            dict(
                _base_='../listed_pairs_resnet34_unet.py',
                image_size=128,
                width=0.5,
                batch_size=2,
                max_epochs=400,
                affine_prob=0.75,
            ),
        ),
    ],
)
def test_plans(facts: Facts, machine: Machine, kept: int, expected: dict) -> None:
    asked: list[tuple[str, float, int, int]] = []

    def kept_of(base: str, factor: float, height: int, width: int) -> int:
        asked.append((base, factor, height, width))
        return kept

    lines = plan(facts, machine, kept_of)
    assert {line.key: line.value for line in lines} == expected
    ((base, factor, height, width),) = asked
    assert factor == (1 if machine.gpu else 0.5)
    size = expected.get('patch_size', expected.get('image_size'))
    assert base == expected['_base_']
    assert (width, height) == (size if isinstance(size, tuple) else (size, size))
    for line in lines:
        assert line.reason and len(str(line)) <= 100, str(line)


@pytest.mark.parametrize('name', ['resnet34_unet', 'laptop', 'patches'])
def test_the_bases_take_what_a_plan_sets(name: str, tmp_path: Path) -> None:
    size = 'patch_size' if name == 'patches' else 'image_size'
    (tmp_path / 'mine.py').write_text(
        f'_base_ = {str(ROOT / "configs" / f"listed_pairs_{name}.py")!r}\n'
        f'{size} = 64\nwidth = 0.25\naffine_prob = 0.75\nforeground_weight = 4.9\n'
    )
    config = load_config(tmp_path / 'mine.py').resolved
    assert config.model.losses[0].pos_weight == 4.9
    affine = [one for one in config.train_dataloader.dataset.pipeline if one.type == 'RandomAffine']
    assert [one.prob for one in affine] == [0.75]
    model = MODELS.build(config.model)
    assert kept_bytes(nn.Sequential(model.backbone, model.decode_head), 3, 64, 64) > 0
