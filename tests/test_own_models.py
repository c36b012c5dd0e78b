"""A model of one's own, which is no BinarySegmentor: what takes it, and what says why not."""

from pathlib import Path

import pytest
import torch
from mmengine.model import BaseModel
from mmengine.registry import MODELS
from mmengine.structures import PixelData

from custom_modules.api import load
from custom_modules.base.errors import UserError
from custom_modules.commands.export import export
from custom_modules.commands.test import test as run_test
from custom_modules.config import LoadedConfig, load_config
from tests.conftest import ROOT, tiny_options


@MODELS.register_module()
class Everything(BaseModel):
    """Calls every pixel foreground; ``scored``: it has what results name of a model."""

    def __init__(self, scored: bool, data_preprocessor: dict) -> None:
        super().__init__(data_preprocessor)
        if scored:
            self.threshold, self.resolution = 0.25, 'input'

    def forward(self, inputs: torch.Tensor, data_samples: list, mode: str) -> list:
        assert mode == 'predict'
        for sample in data_samples:
            sample.pred_sem_seg = PixelData(data=torch.ones(1, *inputs.shape[2:]).byte())
            sample.seg_logits = PixelData(data=torch.zeros(1, *inputs.shape[2:]))
        return data_samples


@pytest.fixture
def weights(tmp_path: Path) -> str:
    torch.save(dict(state_dict={}, meta={}), tmp_path / 'best.pth')
    return str(tmp_path / 'best.pth')


def config_of(folder: Path, sample: Path, scored: bool = True) -> LoadedConfig:
    path = folder / 'own.py'
    path.write_text(
        f'_base_ = {str(ROOT / "configs/sample/unet_sample.py")!r}\n'
        f"model = dict(_delete_=True, type='Everything', scored={scored}, "
        "data_preprocessor='$preprocessor')\n"
        "evaluator = [dict(type='DiceMetric')]\n"
    )
    options = [one for one in tiny_options(sample) if not one.startswith('model.')]
    return load_config(path, options)


def test_it_is_tested(sample: Path, tmp_path: Path, weights: str) -> None:
    result = run_test(config_of(tmp_path, sample), weights, str(tmp_path / 'out'))
    assert result['recall'] == 1 and 0 < result['precision'] < 1
    assert (result['threshold'], result['resolution']) == (0.25, 'input')
    assert 'cost' not in result  # what it runs is not known


def test_what_results_would_lack_is_said_before_the_test(
    sample: Path, tmp_path: Path, weights: str
) -> None:
    with pytest.raises(UserError, match="Everything has no attribute 'threshold'"):
        run_test(config_of(tmp_path, sample, scored=False), weights)


def test_what_runs_a_network_alone_refuses_it(sample: Path, tmp_path: Path, weights: str) -> None:
    config = config_of(tmp_path, sample)
    with pytest.raises(UserError, match=r'--tta: .* Everything is none'):
        run_test(config, weights, tta=[1.0])
    with pytest.raises(UserError, match=r'an export: .* Everything is none'):
        export(config, weights, 'onnx', images=0)
    with pytest.raises(UserError, match=r'a prediction: .* Everything is none'):
        load(config.path, weights)


def test_a_segmentor_written_without_its_defaults_has_them(
    sample: Path, checkpoint: Path, tmp_path: Path
) -> None:
    """A config of one's own need not say the threshold and the resolution."""
    path = tmp_path / 'short.py'
    path.write_text(
        f'_base_ = {str(ROOT / "configs/sample/unet_sample.py")!r}\n'
        "model = dict(_delete_=True, type='BinarySegmentor', data_preprocessor='$preprocessor',\n"
        "    backbone=dict(type='UNetEncoder', channels=[16, 32, 64, 128], "
        "norm_cfg=dict(type='BN')),\n"
        "    decode_head=dict(type='UNetHead', channels=[64, 32, 16], norm_cfg=dict(type='BN')),\n"
        "    losses='$losses')\n"
    )
    config = load_config(path, tiny_options(sample))
    result = run_test(config, str(checkpoint), str(tmp_path / 'out'), quick=True)
    assert (result['threshold'], result['resolution']) == (0.5, 'input')
    export(config, str(checkpoint), 'torchscript', str(tmp_path / 'net.pt'), images=0)
