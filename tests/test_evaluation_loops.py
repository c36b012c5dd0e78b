"""The loops of validation and test, on a model that notes how it is asked."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from mmengine.evaluator import BaseMetric, Evaluator
from torch.utils.data import DataLoader

from custom_modules.base.errors import UserError
from custom_modules.engine.loops import EvaluationLoop, ValidationLoop
from tests.test_training_loop import Images, Runner, save_last


class Sum(BaseMetric):
    """Of what the model says, weighed with what it was given."""

    def process(self, data_batch: torch.Tensor, data_samples: list[float]) -> None:
        self.results.append(data_samples[0] * int(data_batch))

    def compute_metrics(self, results: list[float]) -> dict[str, float]:
        return dict(sum=sum(results))


class Model(torch.nn.Module):
    """Says of each batch how its products are computed and whether gradients are kept."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, torch.dtype, bool]] = []

    def _step(self, stage: str) -> list[float]:
        assert not self.training
        weight = torch.ones(1, 1, requires_grad=True)
        product = weight @ weight
        self.seen.append((stage, product.dtype, product.requires_grad))
        return [2.0]

    def val_step(self, batch: torch.Tensor) -> list[float]:
        return self._step('val')

    def test_step(self, batch: torch.Tensor) -> list[float]:
        return self._step('test')


def evaluation(folder: Path, stage: str, hooks: tuple = (), **options: Any) -> tuple[Runner, Any]:
    """Return a runner and a loop over images of one number each, 1 and 2."""
    runner = Runner(folder, hooks, max_epochs=1)
    runner.model = Model()
    loader = DataLoader(Images([1, 2]), batch_size=1)
    kind = dict(val=ValidationLoop, test=EvaluationLoop)[stage]
    return runner, kind(runner, loader, Evaluator(Sum()), **options)


@pytest.mark.parametrize(
    ('options', 'dtype'), [({}, torch.float32), (dict(precision='bf16'), torch.bfloat16)]
)
@pytest.mark.parametrize('stage', ['val', 'test'])
def test_batches_are_computed_in_the_precision_and_without_gradients(
    tmp_path: Path, stage: str, options: dict, dtype: torch.dtype
) -> None:
    given: list[tuple] = []

    def note(_: Runner, batch_idx: int, data_batch: Any, outputs: Any = None) -> None:
        given.append((batch_idx, int(data_batch), outputs))

    names = (f'before_{stage}_iter', f'after_{stage}_iter')
    runner, loop = evaluation(
        tmp_path, stage, (SimpleNamespace(**dict.fromkeys(names, note)),), **options
    )
    assert loop.run() == dict(sum=2.0 * 1 + 2.0 * 2)
    assert runner.model.seen == [(stage, dtype, False)] * 2
    assert given == [(0, 1, None), (0, 1, [2.0]), (1, 2, None), (1, 2, [2.0])]


def test_an_unknown_precision(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"precision='half' is not allowed"):
        evaluation(tmp_path, 'val', precision='half')


@pytest.mark.parametrize(('of_a_training', 'pending'), [(True, True), (True, False), (False, True)])
def test_a_signal_to_the_training_leaves_its_validation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of_a_training: bool, pending: bool
) -> None:
    """Where the validation is pending, a resume begins with it; else the training goes on."""
    monkeypatch.setattr('custom_modules.engine.loops.save_last', save_last)
    runner, loop = evaluation(tmp_path, 'val')
    train_loop = runner.train_loop
    train_loop.validation_pending = pending
    train_loop.stop = SimpleNamespace(requested=lambda: True, name='SIGTERM', exit_status=143)
    runner._train_loop = train_loop if of_a_training else {}
    if of_a_training and pending:
        with pytest.raises(SystemExit, match='143'):
            loop.run()
        assert len(runner.model.seen) == 1
        assert runner.happened == ['saved 0']
    else:
        loop.run()
        assert len(runner.model.seen) == 2
