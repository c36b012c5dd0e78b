"""Gradients that wait for the rest of their window when a run is stopped."""

import pytest
import torch.distributed as torch_dist
from torch.distributed.tensor import DTensor

from custom_modules.base.errors import UserError
from tests.short_training import Run, noted


def gradients(run: Run) -> list[float | None]:
    return [None if p.grad is None else p.grad.sum().item() for p in run.model.parameters()]


@pytest.mark.parametrize(
    ('steps', 'last', 'waiting'), [(2, -1, True), (3, -1, False), (5, 6, True), (5, 5, False)]
)
def test_gradients_of_an_open_window_wait(steps: int, last: int, waiting: bool) -> None:
    """Windows of three steps, of which the last of a training may be shorter."""
    run = Run(counts=3)
    run.optim_wrapper.initialize_count_status(run.model, 0, last)
    run.go_on(steps)
    saved = run.saved()['gradients']
    assert (saved is not None) == waiting
    if saved:
        assert saved['steps'] == 3
        assert sorted(saved['values']) == ['bias', 'weight']
        assert saved['values']['weight'].tolist() == run.model.weight.grad.tolist()


def test_a_weight_without_a_gradient_has_none_after_a_resume() -> None:
    run = Run(counts=2)
    run.model.weight.requires_grad = False
    run.go_on(1)
    resumed = Run(counts=2).resume(run)
    assert gradients(resumed) == gradients(run)
    assert gradients(run) == [None, 0.5]


def test_waiting_gradients_need_windows_of_the_same_length() -> None:
    run = Run(counts=3).go_on(2)
    with pytest.raises(UserError, match=r'last\.pth: accumulative_counts was 3, is 2, and the run'):
        Run(counts=2).resume(run)
    Run(counts=2).resume(run.go_on(1))


def test_gradients_of_several_processes_are_saved_as_their_mean(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other process has gradients three times as large; ours stay what they are."""
    monkeypatch.setattr(torch_dist, 'all_reduce', lambda gradient: gradient.mul_(4))
    run = Run(counts=2).go_on(1)
    run.distributed, run.world_size = True, 2
    before = gradients(run)
    saved = run.saved()['gradients']['values']
    assert [saved[name].sum().item() for name in ('weight', 'bias')] == [2 * g for g in before]
    assert gradients(run) == before


@pytest.mark.usefixtures('one_process')
@pytest.mark.parametrize('stop', [3, 4])
def test_a_sharded_model_goes_on(stop: int) -> None:
    settings = dict(kind='Adam', counts=2, sharded=True)
    whole = Run(**settings).go_on(stop)
    saved = whole.saved()
    assert not any(isinstance(v, DTensor) for v in (saved['gradients'] or {}).get('values', ()))
    parts = Run(**settings).resume(whole)
    gradient = parts.model.weight.grad
    assert (gradient is not None) == (stop % 2)
    assert gradient is None or gradient.placements == parts.model.weight.placements
    assert noted(parts, 4) == noted(whole, 4)
