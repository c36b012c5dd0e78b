"""A moving average of the weights."""

from typing import Any

from mmengine import hooks
from mmengine.registry import HOOKS, MODELS
from mmengine.runner import Runner

from ...base.errors import UserError
from ...distributed.sharding import Shards, forget_gathered, is_sharded, whole_weights


@HOOKS.register_module(force=True)
class EMAHook(hooks.EMAHook):
    """MMEngine's EMAHook (Polyak and Juditsky, 1992), resumed exactly wherever a run was stopped.

    The average is validated, tested and kept in ``best.pth``; the training goes on with its own
    weights, which ``last.pth`` has too. A signal may end a run inside a validation, in which the
    two have changed places: MMEngine's own hook would save each as the other there.

    Of a model that is split among processes each has its part of the average too; checkpoints
    have it whole.

    Args:
        kwargs: arguments of MMEngine's EMAHook, such as ``momentum``, the share of the new weights
            in each step's average, and ``begin_iter`` or ``begin_epoch``.

    Raises:
        UserError: the average of a sharded model is to be on a ``device`` of its own.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.swapped = False

    def before_run(self, runner: Runner) -> None:
        self.model = runner.model
        if not is_sharded(self.model):
            super().before_run(runner)
            return
        if self.ema_cfg.get('device') is not None:
            raise UserError(
                f'EMAHook: device = {self.ema_cfg["device"]!r}: with shard = True each process '
                'keeps its part of the average beside its part of the weights; take device out'
            )
        self.src_model = Shards(self.model)
        self.ema_model = MODELS.build(self.ema_cfg, default_args=dict(model=self.src_model))

    def before_gathering(self, runner: Runner) -> None:
        """Gather the average of a sharded model, which all processes have to do together."""
        self.whole_average = whole_weights(self.ema_model)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict) -> None:
        if is_sharded(self.model):
            checkpoint['ema_state_dict'] = self.whole_average
            del self.whole_average
            self._swap_ema_state_dict(checkpoint)
        else:
            super().before_save_checkpoint(runner, checkpoint)

    def _swap_ema_parameters(self) -> None:
        if is_sharded(self.model):
            forget_gathered(self.model)
        super()._swap_ema_parameters()
        self.swapped = not self.swapped

    def _swap_ema_state_dict(self, checkpoint: dict) -> None:
        if not self.swapped:  # in a validation the model has the average already
            super()._swap_ema_state_dict(checkpoint)
