"""What a checkpoint holds beside the weights, and how it goes back."""

import random

import numpy as np
import pytest
import torch

from custom_modules.engine import training_state as module
from custom_modules.engine.rng import rng_state, set_rng_state
from custom_modules.engine.training_state import restore_training_state
from tests.short_training import LINEAR, ONE_CYCLE, PLATEAU, POLY, STEP, Run, noted, touch


@pytest.mark.parametrize('stop', [2, 3, 7])
@pytest.mark.parametrize(
    ('schedules', 'settings', 'older'),
    [
        ([], dict(momentum=0.9), False),
        ([LINEAR, STEP], dict(kind='AdamW'), False),
        ([LINEAR, STEP], dict(kind='AdamW'), True),
        ([POLY], dict(counts=2), False),
        ([POLY], {}, True),
        ([ONE_CYCLE], {}, False),
        ([ONE_CYCLE], {}, True),
        ([PLATEAU], {}, False),
        ([PLATEAU], {}, True),
    ],
)
def test_a_run_goes_on_to_the_last_bit(
    stop: int, schedules: list[dict], settings: dict, older: bool
) -> None:
    whole = touch(Run(*schedules, **settings).go_on(stop))
    parts = Run(*schedules, **settings).resume(whole, older)
    assert noted(parts, 10 - stop) == noted(whole, 10 - stop)


class Counting:
    """A hook with a state."""

    def __init__(self, count: int) -> None:
        self.count = count

    def state_dict(self) -> dict:
        return dict(count=self.count)

    def load_state_dict(self, state: dict) -> None:
        self.count = state['count']


class CountingToo(Counting):
    pass


def test_each_hook_gets_its_own_state() -> None:
    run, resumed = Run(), Run()
    run._hooks = [Counting(1), object(), CountingToo(2), Counting(3)]
    resumed._hooks = [Counting(0), object(), CountingToo(0), Counting(0), Counting(7)]
    resumed.resume(run)
    assert [hook.count for hook in resumed._hooks if isinstance(hook, Counting)] == [1, 2, 3, 7]


def test_states_of_hooks_have_the_names_that_checkpoints_gave_them() -> None:
    run = Run()
    saved = run.saved()
    saved['hooks'] = {'Counting': dict(count=1), 'Counting_2': dict(count=2), 'Gone': {}}
    run._hooks = [Counting(0), CountingToo(5), Counting(0)]
    restore_training_state(run, saved, 'last.pth')
    assert [hook.count for hook in run._hooks] == [1, 5, 2]


def draw() -> tuple:
    return random.random(), np.random.normal(), torch.rand(1).item()


def test_random_numbers_go_on() -> None:
    run = Run()
    np.random.normal()  # the second one of a pair waits
    saved = run.saved()
    wanted = [draw() for _ in range(3)]
    restore_training_state(run, saved, 'last.pth')
    assert [draw() for _ in range(3)] == wanted


@pytest.mark.parametrize(('devices', 'restored'), [(2, True), (1, False)])
def test_random_numbers_of_gpus_go_on_where_there_are_as_many(
    devices: int, restored: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [torch.tensor([1], dtype=torch.uint8), torch.tensor([2], dtype=torch.uint8)]
    found: list[list[torch.Tensor]] = []
    monkeypatch.setattr('torch.cuda.get_rng_state_all', lambda: states)
    monkeypatch.setattr('torch.cuda.set_rng_state_all', found.append)
    monkeypatch.setattr('torch.cuda.device_count', lambda: devices)
    set_rng_state(rng_state())
    assert found == [states] * restored


def test_groups_hold_plain_settings_alone() -> None:
    run = Run()
    group = run.optim_wrapper.optimizer.param_groups[0]
    group.update(pair=(1, 'a'), table=torch.ones(2), tables=[torch.ones(2)], nothing=None)
    saved = module._groups(run.optim_wrapper)[0]
    assert saved['pair'] == (1, 'a') and saved['nothing'] is None
    assert not {'params', 'table', 'tables'} & saved.keys()
