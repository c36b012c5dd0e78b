"""The ten systems of the reports, and R3's second reading, each by its own recipe."""

import multiprocessing
import re
import shlex
import shutil
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.registry import MODELS
from mmengine.runner import Runner

from custom_modules.config import load_config
from custom_modules.engine import PetSegRunner
from tests.conftest import ROOT

#: Parameters of every system; the reports' own numbers where they give one.
PARAMETERS = {
    'r0_unet': 31_043_521,
    'r0_resnet34_unet': 48_196_417,
    'r1_unet': 31_031_745,
    'r1_resnet34_unet': 24_432_321,
    'r2_unet': 31_031_810,
    'r2_resnet34_unet': 21_827_585,
    'r3_unet': 31_043_521,
    'r3_resnet34_unet': 47_672_129,
    'r3_unet_border_only': 31_043_521,
    'r4_unet': 31_043_521,
    'r4_resnet34_unet': 48_196_417,
}
#: Two epochs of two steps of narrow nets at the smallest size that every network takes.
SMALL = [
    'width=0.125',
    'image_size=64',
    'batch_size=3',
    'max_epochs=2',
    'num_workers=0',
    'val_dataloader.dataset.indices=3',
]


def test_every_report_has_its_configs() -> None:
    assert {path.stem for path in (ROOT / 'configs' / 'reports').glob('*.py')} == set(PARAMETERS)


class KeepFirstEpoch(Hook):
    """Copy the run's folder as it is after the first epoch."""

    priority = 'LOWEST'

    def __init__(self, to: Path) -> None:
        self.to = to

    def after_whole_epoch(self, runner: Runner) -> None:
        if runner.epoch == 1:
            self.to.mkdir(parents=True)
            shutil.copy(Path(runner.log_dir, 'last.pth'), self.to)


def train(name: str, sample: Path, folder: Path, hooks: list, resume: bool = False) -> PetSegRunner:
    enlarged = name.startswith('r2')
    images = 3 if enlarged else 6  # R2's set is twice as large
    options = [*SMALL, f'data_root={sample}', f'train_dataloader.dataset.indices={images}']
    # The resumed half reads with two workers what the whole run read with none.
    options.append(f'num_workers={2 if resume else 0}')
    config = load_config(f'configs/reports/{name}.py', options).resolved
    config.work_dir, config.run_name = str(folder), '.'
    config.load_from, config.resume = (str(folder / 'last.pth'), True) if resume else (None, False)
    folder.mkdir(parents=True, exist_ok=True)
    runner = PetSegRunner.from_cfg(config)
    for hook in hooks:
        runner.register_hook(hook)
    runner.train()
    return runner


@pytest.mark.parametrize('name', PARAMETERS)
def test_contract_of_every_report(name: str, sample: Path, tmp_path: Path) -> None:
    """Its size; two optimiser steps and a validation, twice; a gradient everywhere; a resume."""
    complete = MODELS.build(load_config(f'configs/reports/{name}.py').resolved.model)
    assert sum(p.numel() for p in complete.parameters()) == PARAMETERS[name]

    whole, half = tmp_path / 'whole', tmp_path / 'half'
    runner = train(name, sample, whole, [KeepFirstEpoch(half)])
    model = runner.model
    assert [n for n, _ in model.named_parameters()] == [n for n, _ in complete.named_parameters()]
    assert (runner.epoch, runner.iter) == (2, 4)
    metrics = runner.message_hub.log_scalars
    assert {'val/Dice', 'val/loss', 'train/loss', 'train/dice'} <= set(metrics)
    assert len(metrics['train/loss'].data[0]) == 4

    moments = runner.optim_wrapper.optimizer.state
    untouched = [n for n, p in model.named_parameters() if not moments[p]['exp_avg'].any()]
    assert untouched == []

    resumed = train(name, sample, half, [], resume=True)
    assert (resumed.epoch, resumed.iter) == (2, 4)
    assert multiprocessing.active_children() == []  # the loaders' workers went home
    for key, value in model.state_dict().items():
        assert torch.equal(value, resumed.model.state_dict()[key]), key


def test_the_commands_of_the_page_name_what_there_is() -> None:
    """They train for hours; here their configs and options resolve, and their tools exist."""
    page = (ROOT / 'docs' / 'reports.md').read_text(encoding='utf-8')
    commands = [
        shlex.split(line)
        for block in re.findall(r'```bash\n(.*?)```', page, re.DOTALL)
        for line in block.splitlines()
    ]
    assert len(commands) >= 7
    for words in commands:
        assert words[0] == 'python' and (ROOT / words[1]).is_file()
        split = words.index('--cfg-options') if '--cfg-options' in words else len(words)
        for config in (word for word in words if word.startswith('configs/')):
            load_config(config, words[split + 1 :])
