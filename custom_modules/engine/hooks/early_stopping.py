"""Stop a training that no longer gets better."""

from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from ...base.errors import UserError
from .best_score import BestScore


@HOOKS.register_module()
class EarlyStopping(Hook):
    """End the training after ``patience`` validations in a row without a better metric (R2).

    MMEngine's EarlyStoppingHook forgets on resume how long it has waited, counts a metric exactly
    as good as the best one as better, and asks for an improvement of 0.1 unless told otherwise.

    Args:
        monitor: name of the validation's metric to watch, such as 'loss' or 'Dice'.
        patience: number of validations in a row that may bring nothing better.
        min_delta: difference by which a metric must be better than the best so far to count, 0 or
            more.
        rule: direction that is better: 'greater' or 'less'; None takes what the metric's class or
            the table says.

    Raises:
        UserError: an argument is out of its range, or the validation has no such metric.
    """

    priority = 'LOWEST'

    def __init__(
        self,
        monitor: str = 'loss',
        patience: int = 7,
        min_delta: float = 0.0,
        rule: str | None = None,
    ) -> None:
        if patience < 1:
            raise UserError(f'EarlyStopping: patience={patience} is not allowed; use 1 or more')
        self.best = BestScore(monitor, rule, min_delta)
        self.patience = patience
        self.waited = 0

    def before_train(self, runner: Runner) -> None:
        # A run that had stopped is resumed: it stays stopped.
        runner.train_loop.stop_training = self.waited >= self.patience

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        if not runner.is_training_run:
            return
        better = self.best.update(metrics, runner.val_evaluator.metrics)
        self.waited = 0 if better else self.waited + 1
        if self.waited >= self.patience:
            runner.train_loop.stop_training = True
            runner.logger.warning(
                f'stopped after {runner.train_loop.position}: {self.best.monitor} has not been '
                f'better than {self.best.value:.4f} for {self.waited} validations'
            )

    def state_dict(self) -> dict:
        return self.best.state_dict() | dict(waited=self.waited)

    def load_state_dict(self, state: dict) -> None:
        if self.best.load_state_dict(state):
            self.waited = state['waited']
