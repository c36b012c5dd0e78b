"""Which epoch is best, when a training stops, and when its learning rate falls."""

import math
from types import SimpleNamespace

import pytest
import torch
from mmengine.optim import OptimWrapper, ReduceOnPlateauLR
from mmengine.registry import PARAM_SCHEDULERS

from custom_modules.base.errors import UserError
from custom_modules.config import load_config
from custom_modules.engine import BestAndLastCheckpoint, EarlyStopping
from custom_modules.engine.hooks import best_and_last_hook
from custom_modules.engine.hooks.best_score import BestScore
from custom_modules.engine.schedules import build_schedules
from custom_modules.engine.training_state import _plain_state
from custom_modules.evaluation import MetricInfo


class FakeRunner:
    """What EarlyStopping touches of a runner."""

    is_training_run = True
    epoch = 0
    position = property(lambda self: f'epoch {self.epoch}')
    done = property(lambda self: self.epoch)
    val_evaluator = SimpleNamespace(metrics=())

    def __init__(self) -> None:
        self.train_loop = self.logger = self
        self.stop_training = False
        self.said = ''

    def warning(self, text: str) -> None:
        self.said = text


def validate(hook: EarlyStopping, losses: list[float]) -> FakeRunner:
    runner = FakeRunner()
    for loss in losses:
        runner.epoch += 1
        hook.after_val_epoch(runner, dict(loss=loss))
        if runner.stop_training:
            break
    return runner


@pytest.mark.parametrize(
    ('patience', 'min_delta', 'losses', 'epochs'),
    [
        (2, 0.0, [5, 4, 4, 3, 3, 3, 1], 6),  # exactly as good is not better
        (2, 0.0, [5, 6, 4.999, 6, 6, 1], 5),  # any fall counts
        (2, 0.5, [5, 4.6, 4.4, 4.2, 4.0, 1], 5),  # from 4.4 on nothing is better by more than 0.5
        (1, 0.0, [5, math.nan, 1], 2),
        (3, 0.0, [5, 4, 3, 2], None),
    ],
)
def test_early_stopping_by_hand(
    patience: int, min_delta: float, losses: list, epochs: int | None
) -> None:
    runner = validate(EarlyStopping(patience=patience, min_delta=min_delta), losses)
    assert runner.stop_training == (epochs is not None)
    assert runner.epoch == (epochs or len(losses))
    if epochs:
        assert f'stopped after epoch {epochs}: loss has not been better than' in runner.said


def test_early_stopping_goes_on_waiting_after_a_resume() -> None:
    losses = [5, 4, 6, 6, 6, 1]
    whole = validate(EarlyStopping(patience=3), losses)
    first = EarlyStopping(patience=3)
    validate(first, losses[:3])
    second = EarlyStopping(patience=3)
    second.load_state_dict(first.state_dict())
    assert validate(second, losses[3:]).epoch == whole.epoch - 3 == 2


def test_a_run_that_had_stopped_is_resumed_and_stays_stopped() -> None:
    for waited, stopped in ((2, False), (3, True)):
        hook = EarlyStopping(patience=3)
        hook.load_state_dict(dict(best_score=0.5, waited=waited))
        runner = FakeRunner()
        hook.before_train(runner)
        assert runner.stop_training is stopped


@pytest.mark.parametrize('older', [False, True])
def test_a_score_of_another_metric_is_not_gone_on_with(older: bool) -> None:
    """A loss of 0.5 is no Dice to be better than; older checkpoints do not name the metric."""
    state = dict(best_score=0.5, waited=2, best_epoch=3) | ({} if older else dict(monitor='loss'))
    stopping = EarlyStopping('Dice')
    stopping.load_state_dict(state)
    checkpoint = BestAndLastCheckpoint('Dice')
    checkpoint.load_state_dict(state)
    assert (stopping.waited, checkpoint.best_epoch) == ((2, 3) if older else (0, 0))
    for hook in (stopping, checkpoint):
        assert hook.best.update(dict(Dice=0.4)) is not older
    same = EarlyStopping('loss')
    same.load_state_dict(state)
    assert (same.waited, same.best.value) == (2, 0.5)


def test_early_stopping_without_arguments() -> None:
    hook = EarlyStopping()
    assert hook.state_dict()['waited'] == 0
    assert (hook.patience, hook.best.monitor) == (7, 'loss')
    with pytest.raises(UserError, match="rule='up'"):
        EarlyStopping(rule='up')


def test_a_metric_that_says_that_less_is_better() -> None:
    """By its name alone it would be the other way round."""
    said = [SimpleNamespace(shown_as=[MetricInfo('gap', better='less')])]
    stopping, kept = EarlyStopping(monitor='gap', patience=2), BestAndLastCheckpoint('gap')
    runner = FakeRunner()
    runner.val_evaluator = SimpleNamespace(metrics=said)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best_and_last_hook, 'save_weights', lambda *_: None)
        for runner.epoch, gap in ((1, 3.0), (2, 2.0), (3, 4.0)):
            for hook in (stopping, kept):
                hook.after_val_epoch(runner, dict(gap=gap))
    assert (stopping.waited, stopping.best.value) == (1, 2.0)
    assert (kept.best_epoch, kept.best.value) == (2, 2.0)


def test_r2_waits_seven_epochs_for_a_lower_loss() -> None:
    config = load_config('configs/reports/r2_unet.py').resolved
    hook = config.default_hooks['early_stopping']
    assert hook == dict(type='EarlyStopping', monitor='loss', patience=7)
    assert EarlyStopping().best.min_delta == 0
    assert config.default_hooks['checkpoint']['monitor'] == 'loss'


def test_best_score() -> None:
    for monitor, values, best in (
        ('Dice', [0.5, 0.7, math.nan, 0.7, 0.6], [True, True, False, False, False]),
        ('loss', [0.5, 0.7, math.nan, 0.5, 0.4], [True, False, False, False, True]),
        ('loss', [-math.inf, 0.5], [False, True]),
    ):
        score = BestScore(monitor)
        assert [score.update({monitor: value}) for value in values] == best
    with pytest.raises(UserError, match=r"monitor='Dise' .*did you mean Dice"):
        BestScore('Dise').update(dict(Dice=1, loss=0))
    with pytest.raises(UserError, match="rule='more' is not allowed"):
        BestScore('Dice', 'more')
    with pytest.raises(UserError, match='min_delta=-1'):
        EarlyStopping(min_delta=-1)
    with pytest.raises(UserError, match='patience=0'):
        EarlyStopping(patience=0)


@pytest.mark.parametrize(
    ('rule', 'values', 'better'),
    [
        ('greater', [0.5, 0.55, 0.625, 0.6, 0.75], [True, False, True, False, False]),
        ('less', [0.75, 0.7, 0.625, 0.65, 0.5], [True, False, False, False, True]),
    ],
)
def test_a_value_counts_that_is_better_by_more_than_min_delta(
    rule: str, values: list[float], better: list[bool]
) -> None:
    """Of growing and of falling metrics; better by exactly as much is not enough."""
    score = BestScore('x', rule, min_delta=0.125 if rule == 'less' else 0.124)
    assert [score.update(dict(x=value)) for value in values[:3]] == better[:3]
    score.min_delta = 0.125
    assert [score.update(dict(x=value)) for value in values[3:]] == better[3:]
    stuck = EarlyStopping(monitor='Dice', patience=1, min_delta=0.1)
    runner = FakeRunner()
    for dice in (0.5, 0.55):
        stuck.after_val_epoch(runner, dict(Dice=dice))
    assert runner.stop_training


def plateau() -> tuple[ReduceOnPlateauLR, torch.optim.Optimizer]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    settings = dict(load_config('configs/reports/r1_unet.py').resolved.param_scheduler[0])
    assert settings.pop('type') == 'ReduceOnPlateauLR'
    return ReduceOnPlateauLR(OptimWrapper(optimizer), **settings), optimizer


#: The third epoch in a row without a fall of the loss by a ten-thousandth halves the rate.
LOSSES = [5, 4, 4.5, 3, 3, 3.5, 3.1, 2.9998, 3.2, 3.3, 2.99]
RATES = [1, 1, 1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_the_rate_of_r1_is_halved_when_that_of_pytorch_is() -> None:
    scheduler, optimizer = plateau()
    theirs = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    reference = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, factor=0.5, patience=2)
    rates, expected = [], []
    for loss in LOSSES:
        scheduler.step(dict(loss=loss))
        rates.append(optimizer.param_groups[0]['lr'])
        reference.step(loss)
        expected.append(theirs.param_groups[0]['lr'])
    assert rates == expected == RATES


@pytest.mark.parametrize(
    ('settings', 'rule'),
    [
        (dict(monitor='Dice'), 'greater'),
        (dict(monitor='loss'), 'less'),
        (dict(monitor='Dice', rule='less'), 'less'),
        (dict(monitor='of_mine'), 'less'),  # MMEngine's
    ],
)
def test_a_plateau_knows_the_direction_of_its_metric(settings: dict, rule: str) -> None:
    optimizer = OptimWrapper(torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0))
    (schedule,) = build_schedules(
        [dict(type='ReduceOnPlateauLR', **settings)],
        optimizer,
        lambda found: [PARAM_SCHEDULERS.build(found[0], default_args=dict(optimizer=optimizer))],
    )
    assert schedule.rule == rule


@pytest.mark.parametrize('epochs', [3, 5, 7])
def test_the_plateau_is_remembered_by_a_checkpoint(epochs: int) -> None:
    first, optimizer = plateau()
    for loss in LOSSES[:epochs]:
        first.step(dict(loss=loss))
    second, resumed = plateau()
    resumed.load_state_dict(optimizer.state_dict())
    second.load_state_dict(_plain_state(first))
    rates = []
    for loss in LOSSES[epochs:]:
        second.step(dict(loss=loss))
        rates.append(resumed.param_groups[0]['lr'])
    assert rates == RATES[epochs:]
