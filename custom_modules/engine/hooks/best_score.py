"""Which epoch is the best so far, by one metric of the validation."""

import math
from collections.abc import Iterable
from typing import Any

from mmengine.logging import MMLogger

from ...base.errors import UserError, did_you_mean
from ...evaluation.own_metrics import declared_by, metric_info


class BestScore:
    """The best value of ``monitor`` so far.

    Args:
        monitor: name of the validation's metric to watch, such as 'Dice' or 'loss'.
        rule: direction that is better: 'greater' or 'less'; None takes what the table of metrics
            says, or the metric's own class.
        min_delta: difference by which a value must be better than the best so far to count, 0 or
            more.

    Raises:
        UserError: an unknown rule or a negative ``min_delta``.
    """

    def __init__(self, monitor: str, rule: str | None = None, min_delta: float = 0.0) -> None:
        if rule not in ('greater', 'less', None):
            raise UserError(f"rule={rule!r} is not allowed; use 'greater', 'less' or None")
        if min_delta < 0:
            raise UserError(f'min_delta={min_delta} is not allowed; use 0 or more')
        self.monitor = monitor
        self.rule = rule
        self.min_delta = min_delta
        self.value = -math.inf  # none yet; of a loss in old checkpoints inf

    def update(self, metrics: dict | None, given_by: Iterable[object] = ()) -> bool:
        """Take the value of this validation and say whether it is the best so far.

        What is not finite never is.

        Args:
            metrics: name -> value of the validation's metrics.
            given_by: metrics of the evaluator, which may say themselves which direction is better.

        Raises:
            UserError: the validation has no such metric.
        """
        metrics = metrics or {}
        if self.monitor not in metrics:
            near = did_you_mean(self.monitor, metrics)
            raise UserError(
                f'monitor={self.monitor!r} is no metric of the validation{near} '
                f'It has {", ".join(sorted(metrics))}'
            )
        value = float(metrics[self.monitor])
        if not math.isfinite(value):  # a loss of -inf would be unbeatable
            return False
        rule = self.rule or metric_info(self.monitor, declared_by(given_by)).better
        if not math.isfinite(self.value):
            better = True
        elif rule == 'greater':
            better = value > self.value + self.min_delta
        else:
            better = value < self.value - self.min_delta
        if better:
            self.value = value
        return better

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return dict(best_score=self.value, monitor=self.monitor)

    def load_state_dict(self, state: dict[str, Any]) -> bool:
        """Take the best value so far; say whether it can be compared with what comes.

        It cannot if it is of another metric, because the config was changed or a hook of the same
        class was put in before this one; a warning says so.

        Args:
            state: what ``state_dict`` returned; older checkpoints do not name the metric.
        """
        before = state.get('monitor', self.monitor)
        if before == self.monitor:
            self.value = state['best_score']
            return True
        MMLogger.get_current_instance().warning(
            f'the best value so far is of {before!r}, and {self.monitor!r} is watched now: what '
            'is the best begins anew with the next validation'
        )
        return False
