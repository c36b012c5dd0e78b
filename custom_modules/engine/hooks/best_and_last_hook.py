"""``best.pth`` and ``last.pth`` in the run's folder."""

from pathlib import Path

from mmengine.dist import master_only
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from ...base.errors import UserError
from ..checkpoints import save_last, save_weights
from .best_score import BestScore


@HOOKS.register_module()
class BestAndLastCheckpoint(Hook):
    """Write ``last.pth`` (everything) after each epoch and ``best.pth`` (weights) at each new best.

    Where a training is counted in steps, its intervals (``val_interval`` steps) take the place of
    epochs.

    Args:
        monitor: name of the validation's metric that decides which epoch is best, such as 'Dice' or
            'loss'.
        rule: direction that is better: 'greater' or 'less'; None takes what the metric's class or
            the table says.
        interval: number of epochs between two ``last.pth``; the last epoch is always written.
        keep_previous: whether the ``last.pth`` before the newest stays as ``previous.pth``, from
            which a resume goes on if the newest is damaged.
        keep_epochs: number of epochs between two copies that are kept too, ``epoch_<n>.pth`` or,
            of a training in steps, ``step_<n>.pth``; 0 keeps none.
        max_keep_ckpts: largest number of such copies, the newest ones; -1 keeps all.

    Raises:
        UserError: an unknown rule, a ``max_keep_ckpts`` of 0 or below -1, or the validation has no
            such metric.
    """

    priority = 'VERY_LOW'

    def __init__(
        self,
        monitor: str = 'Dice',
        rule: str | None = None,
        interval: int = 1,
        keep_epochs: int = 0,
        max_keep_ckpts: int = -1,
        keep_previous: bool = True,
    ) -> None:
        if max_keep_ckpts == 0 or max_keep_ckpts < -1:
            raise UserError(
                f'max_keep_ckpts={max_keep_ckpts} is not allowed; use 1 or more, or -1 for all'
            )
        self.best = BestScore(monitor, rule)
        self.interval = interval
        self.keep_epochs = keep_epochs
        self.max_keep_ckpts = max_keep_ckpts
        self.keep_previous = keep_previous
        self.best_epoch = 0

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        if runner.is_training_run and self.best.update(metrics, runner.val_evaluator.metrics):
            self.best_epoch = runner.train_loop.done
            save_weights(runner, 'best.pth', {self.best.monitor: self.best.value})

    def after_whole_epoch(self, runner: Runner) -> None:
        loop = runner.train_loop
        last = loop.stop_training or loop.done >= loop.total
        if last or loop.intervals_done % self.interval == 0:
            save_last(runner, keep_previous=self.keep_previous)
        if self.keep_epochs and loop.intervals_done % self.keep_epochs == 0:
            save_weights(runner, f'{loop.unit}_{loop.done}.pth')
            self._drop_old_copies(Path(runner.log_dir), loop.unit)

    @master_only
    def _drop_old_copies(self, folder: Path, unit: str) -> None:
        copies = sorted(folder.glob(f'{unit}_*.pth'), key=lambda p: int(p.stem.split('_')[1]))
        for old in copies[: -self.max_keep_ckpts] if self.max_keep_ckpts > 0 else ():
            old.unlink()

    def state_dict(self) -> dict:
        return self.best.state_dict() | dict(best_epoch=self.best_epoch)

    def load_state_dict(self, state: dict) -> None:
        if self.best.load_state_dict(state):
            self.best_epoch = state['best_epoch']
