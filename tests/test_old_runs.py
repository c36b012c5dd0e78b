"""What an older version left behind still goes on, is tested, compared and loaded.

``tests/old`` was made at commit 51bc9b6, before the rooms of the package were rebuilt: three of
five epochs of a net of 3,000 parameters on the synthetic data set, stopped by a signal inside the
fourth.
"""

import json
import shutil
from pathlib import Path

import pytest

from custom_modules.api import load
from tests.conftest import ROOT, Command

CONFIG = 'configs/sample/unet_sample.py'
OLD = ROOT / 'tests' / 'old'
RUN = '20261125_174329'
OPTIONS = [
    'model.backbone.channels=[2,3,4,5]',
    'model.decode_head.in_channels=[2,3,4,5]',
    'model.decode_head.channels=[4,3,2]',
    'image_size=32',
    'train_dataloader.dataset.indices=8',
    'val_dataloader.dataset.indices=6',
    'test_dataloader.dataset.indices=6',
    'max_epochs=5',
    'precision=fp32',
]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return shutil.copytree(OLD / 'run', tmp_path / 'runs' / RUN)


def test_an_old_run_goes_on(run_tool: Command, run: Path, sample: Path) -> None:
    options = ['--cfg-options', *OPTIONS, f'data_root={sample}']
    ended = run_tool('train.py', CONFIG, '--work-dir', run.parent, '--resume', RUN, *options)
    assert ended.returncode == 0, ended.stderr
    told = [line for line in ended.stdout.splitlines() if line.startswith('resume:')]
    # Beside it settings that the run had not: they came later.
    assert f'resume: data_root was data/sample, is {sample}' in told
    assert 'resume: in_channels was nothing, is 3' in told
    assert not any('resolution' in line or 'image_size' in line for line in told)
    rows = map(json.loads, (run / 'vis_data' / 'scalars.json').read_text().splitlines())
    epochs = [row['step'] for row in rows if 'valid/dice' in row]
    assert epochs == [1, 2, 3, 4, 5]


def test_an_old_checkpoint_is_tested_and_compared(
    run_tool: Command, run: Path, sample: Path, tmp_path: Path
) -> None:
    options = ['--cfg-options', *OPTIONS, f'data_root={sample}']
    out = tmp_path / 'out'
    ended = run_tool('test.py', CONFIG, run / 'best.pth', '--out', out, *options)
    assert ended.returncode == 0, ended.stderr
    old, new = (json.loads((path / 'metrics.json').read_text()) for path in (run, out))
    for name in ('Dice', 'IoU', 'Dice_global', 'IoU_boundary', 'Dice_surface', 'loss'):
        assert new[name] == pytest.approx(old[name], abs=1e-4), name
    ended = run_tool('compare.py', f'old={run}', f'new={out}')
    assert ended.returncode == 0, ended.stderr
    assert 'Dice' in ended.stdout


def test_an_old_published_model_loads(run: Path, sample: Path) -> None:
    image = next((sample / 'images').glob('*.jpg'))
    published, of_run = (
        load(OLD / 'published', device='cpu'),
        load(CONFIG, run / 'best.pth', options=OPTIONS, device='cpu'),
    )
    difference = abs(published(image).probability - of_run(image).probability)
    assert difference.max() < 0.01  # the published one may compute in bfloat16
