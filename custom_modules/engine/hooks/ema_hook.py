"""A moving average of the weights."""

from typing import Any

from mmengine import hooks
from mmengine.registry import HOOKS


@HOOKS.register_module(force=True)
class EMAHook(hooks.EMAHook):
    """MMEngine's EMAHook (Polyak and Juditsky, 1992), resumed exactly wherever a run was stopped.

    The average is validated, tested and kept in ``best.pth``; the training goes on with its own
    weights, which ``last.pth`` has too. A signal may end a run inside a validation, in which the
    two have changed places: MMEngine's own hook would save each as the other there.

    Args:
        kwargs: arguments of MMEngine's EMAHook, such as ``momentum``, the share of the new weights
            in each step's average, and ``begin_iter`` or ``begin_epoch``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.swapped = False

    def _swap_ema_parameters(self) -> None:
        super()._swap_ema_parameters()
        self.swapped = not self.swapped

    def _swap_ema_state_dict(self, checkpoint: dict) -> None:
        if not self.swapped:  # in a validation the model has the average already
            super()._swap_ema_state_dict(checkpoint)
