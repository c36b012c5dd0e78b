"""Validation and test compute in the precision they say."""

from pathlib import Path

import pytest
import torch
from mmengine.device import get_device

from custom_modules.api import load
from custom_modules.commands.test import test as score
from custom_modules.commands.train import train
from custom_modules.config import load_config
from custom_modules.models import BinarySegmentor
from custom_modules.runs.metrics_text import describe
from tests.conftest import TINY

NARROW = [
    'model.backbone.channels=[4,8]',
    'model.decode_head.in_channels=[4,8]',
    'model.decode_head.channels=[4]',
]


def test_every_stage_computes_in_its_precision(
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[tuple[bool, torch.dtype]] = []
    original = BinarySegmentor._network

    def network(self: BinarySegmentor, inputs: torch.Tensor) -> torch.Tensor:
        logits = original(self, inputs)
        seen.append((self.training, logits.dtype))
        return logits

    monkeypatch.setattr(BinarySegmentor, '_network', network)
    older = get_device() == 'cuda' and not torch.cuda.is_bf16_supported(False)
    name, dtype = ('fp16', torch.float16) if older else ('bf16', torch.bfloat16)
    options = [*TINY, *NARROW, f'data_root={sample}', f'precision={name}', 'max_epochs=1']
    config = load_config('configs/sample/unet_sample.py', options)
    config.resolved.experiment_name = 'precision'
    run = train(config, str(tmp_path / 'runs'))
    # 16 images in training and 6 in validation, 4 in a batch.
    assert seen == [(True, dtype)] * 4 + [(False, dtype)] * 2
    seen.clear()
    result = score(config, str(run / 'best.pth'), str(tmp_path / 'out'), quick=True)
    assert result is not None and result['dtype'] == str(dtype).removeprefix('torch.')
    assert seen == [(False, dtype)] * 2
    assert 'other_than_trained' not in result
    assert describe(result).endswith('seen at 32x32 and scored there, threshold 0.5')
    # Another size or normalisation than the weights were trained with is said.
    changed = ['image_size=(64,32)', 'preprocessor.mean=[1,2,3]']
    config = load_config('configs/sample/unet_sample.py', [*options, *changed])
    result = score(config, str(run / 'best.pth'), str(tmp_path / 'out'), quick=True)
    assert result is not None and result['other_than_trained'] == [
        'image size: 64x32 here, 32x32 in the training of these weights',
        'normalisation (mean): 1, 2, 3 here, 123.675, 116.28, 103.53 in the training of these '
        'weights',
    ]
    assert 'warning: image size: 64x32 here' in capsys.readouterr().out
    model = load('configs/sample/unet_sample.py', run / 'best.pth', options=[*options, changed[0]])
    assert model.notes == result['other_than_trained'][:1]
