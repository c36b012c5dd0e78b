"""The metrics of a run over its epochs, under the names that the reports use."""

import time
from pathlib import Path

import torch
from mmengine.dist import all_reduce_dict, is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from ...base.errors import UserError
from ...evaluation.metric_table import COUNTS, scalar_names
from ...evaluation.own_metrics import as_number, own_metrics
from ...runs.scalars import save_own_metrics


@HOOKS.register_module()
class ScalarsHook(Hook):
    """Metrics for the log file and the visualizer's backends, in place of MMEngine's LoggerHook.

    LoggerHook sends training and validation under one name (``loss``) and mixes steps and epochs on
    one axis. Here every name is on one axis. After each whole epoch, at its number:

    - ``train/loss``, ``train/dice``, ``train/bce``, ...: means over the batches of the epoch, of
      all processes;
    - ``valid/loss``, ``valid/dice``, ``valid/iou``, ...: of the validation, if there was one;
    - ``learning_rate`` of its last step, ``seconds`` it took with its validation, ``epoch``.

    Where a training is counted in steps, its intervals (``val_interval`` steps) take the place of
    epochs: the number is that of the step, and ``iter`` that of ``epoch``.

    Every ``interval`` steps, at the number of the step: ``step/loss`` (of all processes),
    ``step/learning_rate``, ``iter``. At the same steps the log file gets MMEngine's line, and one
    after each validation.

    TensorBoard and ``vis_data/scalars.json`` take the step they are given, each name on its own
    axis. W&B has one step for everything, which must not go backwards; MMEngine's backend leaves it
    to W&B, which counts the calls. So ``epoch`` and ``iter`` are sent as metrics that W&B can use
    as the horizontal axis, in the config by ``define_metric_cfg=[dict(name='train/*',
    step_metric='epoch'), ...]``.

    Args:
        interval: number of steps between two lines of a training epoch; its last step always gets
            one, as does the last before a validation.

    Raises:
        UserError: ``interval`` is no positive integer.
    """

    priority = 'BELOW_NORMAL'

    def __init__(self, interval: int = 10) -> None:
        if not isinstance(interval, int) or interval < 1:
            raise UserError(
                f'ScalarsHook: interval={interval!r} is not allowed; '
                'use a number of steps, 1 or more'
            )
        self.interval = interval
        self.valid: dict[str, float] = {}
        self.started: float | None = None
        self._forget_epoch()

    def _forget_epoch(self) -> None:
        self.sums: dict[str, float] = {}
        self.batches = 0
        self.learning_rate = 0.0
        self.seconds_before = 0.0

    def before_train(self, runner: Runner) -> None:
        # A resumed run may begin with the validation, without before_train_epoch.
        self.started = time.monotonic()
        runner.log_processor.by_epoch = runner.train_loop.unit == 'epoch'

    def before_train_epoch(self, runner: Runner) -> None:
        if runner.train_loop.unit == 'epoch' or self.started is None:
            self.started = time.monotonic()

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        # MMEngine has put them there as numbers; reading the tensors would ask a GPU again.
        hub = runner.message_hub
        metrics = {name: float(hub.get_scalar(f'train/{name}').current()) for name in outputs or ()}
        for name, value in metrics.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.batches += 1
        # The config's rate where parts of the network have others.
        rate = 'train/base_lr' if 'train/base_lr' in hub.log_scalars else 'train/lr'
        self.learning_rate = float(hub.get_scalar(rate).current())
        loop = runner.train_loop
        done, total = loop.steps_of_interval
        number = batch_idx + 1 if loop.unit == 'epoch' else runner.iter + 1
        if number % self.interval and done + 1 < total:
            return
        _, line = runner.log_processor.get_log_after_iter(runner, batch_idx, 'train')
        runner.logger.info(line)
        step = runner.iter + 1
        loss = _mean_of_processes({'loss': metrics['loss']})['loss']
        scalars = {'step/loss': loss, 'step/learning_rate': self.learning_rate}
        runner.visualizer.add_scalars(scalars | dict(iter=step), step=step)

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self.valid = {
            name: float(as_number(value, f'the metric {name!r}'))
            for name, value in (metrics or {}).items()
            if name not in COUNTS  # of the data set, the same in every epoch
        }
        own = own_metrics(self.valid, runner.val_evaluator.metrics)
        if own and is_main_process():
            save_own_metrics(Path(runner.log_dir), own)
        # MMEngine's own line would show the mean of the last ten validations as the loss.
        unit, number = 'epoch', ''
        if runner.is_training_run:
            unit, number = runner.train_loop.unit, f'[{runner.train_loop.done}]'
        line = '  '.join(f'{name}: {value:.4f}' for name, value in self.valid.items())
        runner.logger.info(f'{unit.title()}(val) {number}  {line}')

    def after_whole_epoch(self, runner: Runner) -> None:
        scalars: dict[str, float] = {}
        for stage, values in (('train', self._means()), ('valid', self.valid)):
            names = scalar_names(values)
            scalars |= {f'{stage}/{names[name]}': value for name, value in values.items()}
        if self.batches:
            scalars['learning_rate'] = self.learning_rate
        loop = runner.train_loop
        number = 'epoch' if loop.unit == 'epoch' else 'iter'
        scalars |= {'seconds': self._seconds(), number: loop.done}
        runner.visualizer.add_scalars(scalars, step=loop.done)
        self.valid = {}
        self.started = time.monotonic() if loop.unit == 'step' else None
        self._forget_epoch()

    def after_run(self, runner: Runner) -> None:
        runner.visualizer.close()

    def _means(self) -> dict[str, float]:
        """Return the means over the batches of all processes."""
        return _mean_of_processes({k: total / self.batches for k, total in self.sums.items()})

    def _seconds(self) -> float:
        now = 0.0 if self.started is None else time.monotonic() - self.started
        return self.seconds_before + now

    def state_dict(self) -> dict:
        """Return what is known of the epoch, so that a run resumed inside it gets its whole mean.

        Of many processes this is rank 0's part: the others go on with it in place of their own.
        """
        return dict(
            sums=dict(self.sums),
            batches=self.batches,
            learning_rate=self.learning_rate,
            seconds=self._seconds() if self.batches else 0.0,
        )

    def load_state_dict(self, state: dict) -> None:
        self.sums = dict(state['sums'])
        self.batches = state['batches']
        self.learning_rate = state['learning_rate']
        self.seconds_before = state['seconds']


def _mean_of_processes(metrics: dict[str, float]) -> dict[str, float]:
    means = {name: torch.tensor(value, dtype=torch.float64) for name, value in metrics.items()}
    if means:
        all_reduce_dict(means, 'mean')
    return {name: float(mean) for name, mean in means.items()}
