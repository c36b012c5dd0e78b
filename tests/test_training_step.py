"""One step as docs/training-step.md describes it: shapes, numbers and order are read from the page.

The step is that of a training of the sample's config, which ends after it.
"""

import re
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.hooks import Hook
from torch import nn

from custom_modules.config import load_config
from custom_modules.config.keys import RUNNER_KEYS
from custom_modules.engine.autocast_optim_wrapper import AutocastOptimWrapper
from custom_modules.engine.checkpoints import save_last, save_weights
from custom_modules.engine.runner import PetSegRunner
from custom_modules.models.losses.bce_loss import BinaryCrossEntropyLoss
from custom_modules.models.losses.dice_loss import BinaryDiceLoss
from tests.conftest import ROOT

PAGE = (ROOT / 'docs' / 'training-step.md').read_text(encoding='utf-8')
CONFIG = 'configs/sample/unet_sample.py'


def table(head: str) -> list[list[str]]:
    """Return the cells below a table's head."""
    _, _, *rows = PAGE[PAGE.index(head) :].partition('\n\n')[0].splitlines()
    rows = [row for row in rows if row.startswith('|')]
    return [[cell.strip() for cell in row.strip('|').split('|')] for row in rows]


def number(pattern: str) -> float:
    """Return the one number of the page that stands in a group of the pattern."""
    (found,) = re.findall(pattern, ' '.join(PAGE.split()))
    return float(found.replace(',', ''))


def shown(tensor: Any) -> str:
    return f'{str(tensor.dtype).removeprefix("torch.")} {tuple(tensor.shape)}'


class EnoughError(Exception):
    """The step is done."""


class LookAtOneStep(Hook):
    """Note what comes out of each part, and end the training after its first step."""

    priority = 'LOWEST'

    def __init__(self, seen: dict[str, Any]) -> None:
        self.seen = seen

    def before_train(self, runner: Any) -> None:
        model, seen = runner.model, self.seen
        pipeline = runner.train_dataloader.dataset.pipeline
        pipeline.transforms = [self._noting(one) for one in pipeline.transforms]

        def note(name: str) -> Any:
            return lambda _, __, output: seen.update({name: output})

        model.data_preprocessor.register_forward_hook(note('normalised'))
        model.backbone.register_forward_hook(note('features'))
        model.decode_head.register_forward_hook(note('head'))
        for loss in model.losses:
            loss.register_forward_pre_hook(lambda _, given: seen.update(given=given))
            loss.register_forward_hook(note(loss.loss_name))
        first = model.backbone.levels[0][0].weight
        first.register_hook(lambda gradient: seen.update(gradient=gradient))
        seen['before'] = [weight.detach().clone() for weight in model.parameters()]

    def _noting(self, transform: Any) -> Any:
        def apply(results: dict) -> dict:
            results = transform(results)
            image, mask = results.get('img'), results.get('gt_seg_map')
            kept = [None if one is None else torch.from_numpy(one.copy()) for one in (image, mask)]
            self.seen[type(transform).__name__] = [*kept, results]
            return results

        return apply

    def after_train_iter(
        self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None
    ) -> None:
        self.seen.update(batch=data_batch, outputs=outputs, runner=runner)
        raise EnoughError


@pytest.fixture(scope='module')
def seen(sample: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a training of the page's config computes in its first step."""
    config = load_config(CONFIG, [f'data_root={sample}', 'precision=bf16']).resolved
    for key in ('test_dataloader', 'test_cfg', 'test_evaluator'):
        config.pop(key)
    found: dict[str, Any] = {}
    config.update(work_dir=str(tmp_path_factory.mktemp('runs')), experiment_name='step')
    runner = PetSegRunner.from_cfg(config)
    found['hooks'] = [type(hook).__name__ for hook in runner.hooks]
    runner.register_hook(LookAtOneStep(found))
    with pytest.raises(EnoughError):
        runner.train()
    return found


def test_the_shapes_of_the_page(seen: dict[str, Any]) -> None:
    (image, _, results), (_, mask, _) = seen['LoadImage'], seen['LoadMask']
    file = str(results['ori_shape']).rstrip(')')
    logits, target = seen['given']
    packed, batch = seen['PackBinarySegInputs'][2], seen['batch']
    parts: dict[str, list[Any]] = dict(
        index=[],
        entry=[],
        image=[image],
        mask=[mask],
        resized=seen['Resize'][:2],
        augmented=seen['RandomBrightnessContrast'][:2],
        sample=[packed['inputs'], packed['data_samples'].gt_sem_seg.data],
        batch=[batch['inputs']],
        normalised=[seen['normalised']['inputs']],
        features=seen['features'],
        head=[seen['head']],
        logits=[logits],
        target=[target],
        loss_bce=[seen['loss_bce']],
        loss_dice=[seen['loss_dice']],
        loss=[seen['outputs']['loss']],
        gradient=[seen['gradient']],
    )
    rows = {
        cells[0]: re.findall(r'`(\w+ \([^)]*\))`', cells[2])
        for cells in table('| | class and file')
    }
    found = {name: [shown(one) for one in tensors] for name, tensors in parts.items()}
    for name in ('image', 'mask'):
        found[name] = [text.replace(file, '(H, W') for text in found[name]]
    assert rows == found
    assert len(batch['data_samples']) == len(batch['inputs'])
    assert seen['outputs']['loss'] == seen['loss_bce'] + seen['loss_dice']
    assert set(seen['outputs']) == {'loss', 'loss_bce', 'loss_dice', 'dice'}


def test_the_lines_of_the_page_are_those_of_the_config() -> None:
    (lines,) = re.findall(r'```python\n(.*?)```', PAGE, re.DOTALL)
    assert lines in (ROOT / CONFIG).read_text(encoding='utf-8')
    config = load_config(CONFIG).resolved
    written: dict[str, Any] = {}
    exec(lines, written)
    assert config.model.losses == written['losses']
    assert number(r'`batch_size` = (\d+)') == config.train_dataloader.batch_size
    assert number(r'`image_size` = (\d+)') == config.train_dataloader.dataset.pipeline[2].scale


def test_every_line_of_every_config_is_on_the_page() -> None:
    """Variables have rows; the other keys are MMEngine's, whose types have rows."""
    files = [path.read_text(encoding='utf-8') for path in (ROOT / 'configs').rglob('*.py')]
    assigned = {name for text in files for name in re.findall(r'^(\w+) = ', text, re.MULTILINE)}
    variables = {cells[0].strip('`') for cells in table('| variable |')}
    assert assigned - variables <= {'_base_', *RUNNER_KEYS}
    types = {cells[0].strip('`') for cells in table('| type |')}
    named = {name for text in files for name in re.findall(r"type='([\w.]+)'", text)}
    assert {re.sub(r'^albumentations\..*', 'albumentations.*', name) for name in named} == types


def test_the_losses_by_hand() -> None:
    rows = table('| p | target')
    probabilities = torch.tensor([[[[float(row[0]) for row in rows]]]])
    target = torch.tensor([[[int(row[1]) for row in rows]]], dtype=torch.uint8)
    sums = []
    gradients = []
    for loss in (BinaryCrossEntropyLoss(), BinaryDiceLoss(over='image', smooth=1)):
        logits = probabilities.logit().requires_grad_()
        value = loss(logits, target)
        value.backward()
        sums.append(value.item())
        gradients.append(logits.grad.flatten())  # type: ignore[union-attr]
    columns = torch.stack([*gradients, gradients[0] + gradients[1]], dim=1).tolist()
    assert [[f'{value + 0.0:.4f}' for value in row] for row in columns] == [row[2:] for row in rows]
    said = re.search(r'(0\.\d{4}) \+ (0\.\d{4}) = (0\.\d{4})', PAGE)
    assert said is not None
    assert [float(one) for one in said.groups()] == pytest.approx([*sums, sum(sums)], abs=5e-5)


def test_the_first_step_moves_weights_by_the_rate(seen: dict[str, Any]) -> None:
    runner = seen['runner']
    rate = number(r'by (0\.0\d+) here')
    moved = [
        (now.detach() - before).abs().max().item()
        for now, before in zip(runner.model.parameters(), seen['before'], strict=True)
    ]
    assert max(moved) == pytest.approx(rate, rel=1e-2)
    learning_rate = number(r'`learning_rate` = ([\d.]+)')
    assert learning_rate == runner.cfg.optim_wrapper.optimizer.lr == pytest.approx(25 * rate)
    assert number(r'(\d+) images of the [\w ]+ make') == len(runner.train_dataloader.dataset)
    assert number(r'make (\d+) steps an epoch') == len(runner.train_dataloader)
    assert number(r'epochs make (\d+)\.') == runner.max_iters == runner.max_epochs * 54
    assert number(r'grows for (\d+) %') == 100 * runner.cfg.param_scheduler[0].pct_start
    assert all(one.dtype == torch.float32 for one in runner.model.parameters())


def test_the_hooks_are_called_in_the_order_of_the_page(seen: dict[str, Any]) -> None:
    said = [re.sub(r'`| \(MMEngine\)', '', name) for name, _ in table('| hook |')]
    assert said == seen['hooks']


def test_checkpoints_hold_what_the_page_says(seen: dict[str, Any]) -> None:
    runner = seen['runner']
    save_last(runner)
    save_weights(runner, 'best.pth')
    best, last = (
        set(torch.load(Path(runner.log_dir, name), weights_only=True))
        for name in ('best.pth', 'last.pth')
    )
    said = re.findall(r'`(\w+)`', PAGE.partition('`best.pth` holds')[2].partition(':')[0])
    assert best == set(said[:2])
    assert last == set(said)


def test_accumulation_and_clipping() -> None:
    """Every second batch, the loss halved; and a gradient that is 1 long at most."""
    weight = nn.Parameter(torch.tensor([1.0]))
    wrapper = AutocastOptimWrapper(
        precision='fp32',
        optimizer=torch.optim.SGD([weight], lr=1),
        accumulative_counts=int(number(r'accumulative_counts=(\d)')),
    )
    share = number(r'the loss is divided by (\d)')
    wrapper.update_params(3 * weight.sum())
    assert weight.item() == 1 and weight.grad is not None
    assert weight.grad.item() == 3 / share
    wrapper.update_params(3 * weight.sum())
    assert weight.item() == 1 - 3
    longest = number(r'clip_grad\.max_norm=(\d)')
    clipped = AutocastOptimWrapper(
        precision='fp32',
        optimizer=torch.optim.SGD([weight], lr=1),
        clip_grad=OrderedDict(max_norm=longest),
    )
    clipped.update_params(3 * weight.sum())
    assert weight.item() == pytest.approx(-2 - longest)
    assert torch.amp.GradScaler('cpu').get_scale() == number(r'multiplied by ([\d,]+) at first')
