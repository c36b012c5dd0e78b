"""What a resume makes of rates and schedules where the config is another."""

from typing import Any

import numpy as np
import pytest
import torch
from mmengine.optim import PolyLR

from custom_modules.base.errors import UserError
from custom_modules.engine.training_state import Built, training_state
from tests.short_training import LINEAR, ONE_CYCLE, PLATEAU, POLY, STEP, Run, noted, touch


@pytest.mark.parametrize('stop', [2, 3, 6, 7])
@pytest.mark.parametrize(
    ('old', 'new', 'settings'),
    [
        ([STEP], [POLY, STEP], {}),  # the order of their steps decides
        ([LINEAR, STEP], [LINEAR, STEP | dict(milestones=[2])], {}),
        ([POLY], [POLY], dict(lr=0.25)),
        ([POLY], [POLY], dict(lr=0.25, weight_decay=0.1)),
        ([POLY], [], {}),
        ([], [], dict(lr=0.25)),
        ([LINEAR], [LINEAR, STEP], dict(lr=0.25)),
        ([ONE_CYCLE], [ONE_CYCLE | dict(eta_max=2.0, div_factor=50.0)], {}),  # another top alone
        ([ONE_CYCLE], [ONE_CYCLE | dict(final_div_factor=100.0)], {}),  # another end alone
        ([ONE_CYCLE], [ONE_CYCLE | dict(total_steps=10)], {}),
        ([ONE_CYCLE], [ONE_CYCLE | dict(anneal_strategy='linear')], {}),
    ],
)
def test_rates_are_those_of_a_run_that_had_the_settings_from_its_first_step(
    stop: int, old: list[dict], new: list[dict], settings: dict
) -> None:
    whole = Run(*new, **settings).go_on(stop)
    resumed = Run(*new, **settings).resume(Run(*old).go_on(stop))
    assert noted(resumed, 10 - stop)[0] == noted(whole, 10 - stop)[0]


def test_older_checkpoints_know_what_a_rate_began_with() -> None:
    """They note no settings: a rate says nothing, as it is one of then."""
    for new, settings in ((POLY, dict(lr=0.25)), (POLY | dict(power=2.0), {})):
        whole = Run(new, **settings).go_on(5)
        resumed = Run(new, **settings).resume(Run(POLY).go_on(5), older=True)
        assert noted(resumed, 4)[0] == noted(whole, 4)[0]
    run = touch(Run(POLY).go_on(4))
    resumed = Run(POLY, weight_decay=0.125).resume(run, older=True)
    assert resumed.optim_wrapper.optimizer.param_groups[0]['weight_decay'] == 0.125
    assert noted(resumed, 3)[0] == noted(run, 3)[0]


def test_settings_are_those_of_the_config_and_the_rest_goes_on() -> None:
    run = touch(Run(POLY, kind='Adam', weight_decay=0.5).go_on(4))
    resumed = Run(POLY, kind='Adam', weight_decay=0.125, betas=(0.5, 0.75)).resume(run)
    groups = resumed.optim_wrapper.optimizer.param_groups
    assert [group['weight_decay'] for group in groups] == [0.125, 0.25]
    assert [group['betas'] for group in groups] == [(0.5, 0.75)] * 2
    assert noted(resumed, 3)[0] == noted(run, 3)[0]
    assert all(len(group['params']) == 1 for group in groups)


@pytest.mark.parametrize(
    ('schedules', 'kind', 'said'),
    [
        ([], 'Adam', 'last.pth: the optimizer was SGD, is Adam; go on with the old one'),
        ([STEP, PLATEAU], 'SGD', 'last.pth: .*ReduceOnPlateauLR follows validations that are past'),
    ],
)
def test_what_cannot_go_on(schedules: list[dict], kind: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        Run(*schedules, kind=kind).resume(Run().go_on(2))


def test_other_groups_of_parameters_cannot_go_on() -> None:
    run, other = Run().go_on(2), Run()
    del other.optim_wrapper.optimizer.param_groups[1]
    with pytest.raises(UserError, match=r'last\.pth: .*in another way than this config \(.*groups'):
        other.resume(run)


def test_what_a_plateau_has_seen_stays_seen() -> None:
    """Reductions so far are a share of the new rate; what comes is by the new factor."""
    run = Run(PLATEAU).go_on(9, score=1.0)  # the first is best, the third one too many
    assert run.optim_wrapper.param_groups[0]['lr'] == 0.25
    for older in (False, True):
        lower = Run(PLATEAU, lr=0.125).resume(run, older)
        assert lower.optim_wrapper.param_groups[0]['lr'] == 0.0625
    changed = dict(PLATEAU, factor=0.1)
    resumed = Run(changed, lr=0.125).resume(run)
    (plateau,) = resumed.param_schedulers
    assert (plateau.best, plateau.factor) == (1.0, 0.1)
    assert plateau.get_last_value() == [0.0625] * 3  # both groups, and the base of them
    resumed.go_on(3, score=1.0)
    assert resumed.optim_wrapper.param_groups[0]['lr'] == 0.0625
    resumed.go_on(3, score=1.0)
    assert resumed.optim_wrapper.param_groups[0]['lr'] == pytest.approx(0.00625)
    with pytest.raises(UserError, match='follows validations that are past'):
        Run(changed).resume(Run(PLATEAU, STEP))


def test_a_plateau_that_the_run_did_not_have_begins_to_watch() -> None:
    for run in (Run().go_on(4), Run(STEP).go_on(4)):
        resumed = Run(PLATEAU, lr=0.125).resume(run)
        assert noted(resumed, 1)[0] == [[0.125] * 3]
        assert resumed.param_schedulers[0].num_bad_epochs == 0


@pytest.mark.parametrize('best', [np.float64(0.5), torch.tensor(0.5), 0.5, None])
def test_a_best_is_of_the_type_that_the_metric_has(best: Any) -> None:
    run = Run(PLATEAU)
    run.param_schedulers[0].best = best
    state = training_state(run, {})['param_schedulers'][0]
    assert state['best'] == best


def test_settings_of_a_plateau_are_told_apart() -> None:
    settings = [
        Run(PLATEAU | changes).built.schedules
        for changes in ({}, {}, dict(rule='greater'), dict(patience=2), dict(threshold=0.5))
    ]
    assert [settings[0] == other for other in settings[1:]] == [True, False, False, False]
    assert Run(PLATEAU).go_on(9).built.schedules == settings[0]


def test_settings_are_texts_that_another_process_can_compare() -> None:
    (settings,) = Run(ONE_CYCLE).built.schedules
    assert not [text for text in settings.values() if ' at 0x' in text]

    class OfMyOwn(PolyLR):
        """A schedule that does something else."""

    schedules = [kind(Run().optim_wrapper, power=2.0, end=9) for kind in (PolyLR, OfMyOwn)]
    built = Built(Run().optim_wrapper, schedules).schedules
    assert built[0] != built[1]
