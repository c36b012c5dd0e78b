"""Whether two runs ended in the same state, and a power cut in one of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from custom_modules.engine.checkpoints import save_last
from custom_modules.engine.loops import ResumableTrainLoop

#: What a run consists of; ``meta`` also holds its times and names.
STATE = ('state_dict', 'ema_state_dict', 'optimizer', 'param_schedulers', 'hooks', 'rng')


def same(a: object, b: object) -> bool:
    """Equal to the last bit, whatever is nested how."""
    if isinstance(a, torch.Tensor):
        return torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def final_state(run: Path) -> dict:
    return torch.load(run / 'last.pth', weights_only=True)


def differing(a: Path, b: Path) -> list[str]:
    """Return the parts of the final states of two runs that differ."""
    one, other = final_state(a), final_state(b)
    return [key for key in STATE if not same(one.get(key), other.get(key))]


def assert_same_training(a: Path, b: Path) -> None:
    assert differing(a, b) == []


class PowerCutError(Exception):
    """What ends a run in the middle of a test."""


@contextmanager
def power_cut(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Cut a training that begins in here after the first step of its second epoch."""

    def cut(loop: ResumableTrainLoop) -> None:
        if loop.steps_into_epoch == 1 and loop.epoch == 1:
            save_last(loop.runner)
            raise PowerCutError

    with monkeypatch.context() as patch, pytest.raises(PowerCutError):
        patch.setattr(ResumableTrainLoop, 'leave_if_stopped', cut)
        yield
