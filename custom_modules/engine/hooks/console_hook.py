"""What a run shows on the console: where it runs, a bar, a line per epoch or interval."""

import time
from collections.abc import Sequence

from mmengine.dist import is_main_process
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from ...base.progress import ProgressBar, format_seconds
from ...datasets.shared_images import shared_line, trained_on
from ...evaluation.metric_table import METRIC_TABLE, over_epochs
from ...evaluation.own_metrics import as_number, own_metrics
from ...runs.environment import describe_device
from ...runs.initial_weights import starts_of


@HOOKS.register_module()
class ConsoleHook(Hook):
    """Progress with the time that remains, and one line per epoch with loss and metrics.

    A training that is counted in steps has a line, and a bar, for each ``val_interval`` of them.

    Args:
        metrics: names of the validation's metrics to show in the epoch's line; None takes the
            headlines of the table of metrics, and all of one's own.
    """

    priority = 'LOW'

    def __init__(self, metrics: Sequence[str] | None = None) -> None:
        self.metrics = metrics
        self.visible = is_main_process()
        self.bar: ProgressBar | None = None
        self.train_loss = 0.0
        self.in_interval = False
        self.train_metrics = self.val_metrics = ''

    def before_train(self, runner: Runner) -> None:
        self.started = time.monotonic()
        loop = runner.train_loop
        self.steps_to_take = loop.steps_left
        model = runner.bare_model
        parameters = sum(p.numel() for p in model.parameters())
        parts = [model]  # of one's own
        if all(hasattr(model, name) for name in ('backbone', 'decode_head')):
            found = (getattr(model, name, None) for name in ('backbone', 'neck', 'decode_head'))
            parts = [part for part in found if part is not None]
        names = ' + '.join(type(part).__name__.removeprefix('FSDP') for part in parts)  # if sharded
        dtype = str(getattr(runner.optim_wrapper, 'dtype', 'fp32')).removeprefix('torch.')
        images = len(runner.train_dataloader.dataset)
        self._print(f'{names}, {parameters:,} parameters; {describe_device()}, {dtype}')
        self._print(f'{images:,} images, {loop.total:,} {loop.unit}s; writing to {runner.log_dir}')
        if runner.val_loop is None:
            self._print('no validation: there will be a last.pth, and no best.pth')
        elif self.visible:
            start = starts_of(runner.bare_model)
            marks = [*runner.train_images, *(start.images if start else [])]
            shared = trained_on(marks, {}, runner.val_dataloader.dataset)
            if shared:
                self._print(shared_line(shared, 'validation'))

    def before_train_epoch(self, runner: Runner) -> None:
        if runner.train_loop.unit == 'epoch' or not self.in_interval:
            self._begin_interval(runner)

    def _begin_interval(self, runner: Runner) -> None:
        loop = runner.train_loop
        self.in_interval = True
        self.interval_started = time.monotonic()
        self.interval_first, steps = loop.steps_of_interval
        number = loop.done + 1
        if loop.unit == 'step':
            number = loop.done - self.interval_first + steps
        self._open(f'{loop.unit} {number}/{loop.total}', steps, self.interval_first)

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: dict | None = None,
    ) -> None:
        # Reading the loss waits for a GPU, so not at every step.
        if batch_idx % 10 == 0 and outputs:
            self.train_loss = float(outputs['loss'].detach())
        assert self.bar is not None
        self.bar.advance(note=f'loss {self.train_loss:.4f}')
        done, steps = runner.train_loop.steps_of_interval
        if runner.train_loop.unit == 'step' and done + 1 == steps:
            self._end_interval(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        if runner.train_loop.unit == 'epoch':
            self._end_interval(runner)

    def _end_interval(self, runner: Runner) -> None:
        self.in_interval = False
        self._close()
        batches = runner.train_loop.steps_of_interval[1] - self.interval_first
        images = batches * runner.train_dataloader.batch_size * runner.world_size
        history = runner.message_hub.get_scalar('train/loss')
        self.train_loss = float(history.mean(batches))
        pace = images / (time.monotonic() - self.interval_started)
        self.train_metrics = f'loss {self.train_loss:.4f}  {pace:.1f} images/s'

    def before_val_epoch(self, runner: Runner) -> None:
        self._open('validation', len(runner.val_dataloader))

    def before_test_epoch(self, runner: Runner) -> None:
        self._open('test', len(runner.test_dataloader))

    def after_val_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: dict | None = None,
        outputs: Sequence | None = None,
    ) -> None:
        assert self.bar is not None
        self.bar.advance()

    after_test_iter = after_val_iter

    def after_test_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self._close()

    def after_val_epoch(self, runner: Runner, metrics: dict | None = None) -> None:
        self._close()
        metrics = metrics or {}
        names = self.metrics
        if names is None:
            own = own_metrics(metrics, runner.val_evaluator.metrics)
            infos = over_epochs([*METRIC_TABLE.values(), *own.values()])
            names = [info.name for info in infos if info.level == 'headline']
        self.val_metrics = '  '.join(
            f'val {name} {as_number(metrics[name], f"the metric {name!r}"):.4f}'
            for name in names
            if name in metrics
        )

    def after_whole_epoch(self, runner: Runner) -> None:
        loop = runner.train_loop
        taken = self.steps_to_take - loop.steps_left
        seconds_per_step = (time.monotonic() - self.started) / max(taken, 1)
        parts = [
            f'{loop.position}/{loop.total}',
            self.train_metrics,
            self.val_metrics,
            f'{format_seconds(seconds_per_step * loop.steps_left)} left',
        ]
        self.train_metrics = self.val_metrics = ''
        self._print('  '.join(part for part in parts if part))
        if loop.unit == 'step' and loop.steps_left and not loop.stop_training:
            self._begin_interval(runner)

    def after_run(self, runner: Runner) -> None:
        self._close()

    after_failure = after_run  # the message is to stand below the bar

    def _open(self, title: str, total: int, done: int = 0) -> None:
        self._close()
        self.bar = ProgressBar(title, total, done, self.visible).__enter__()

    def _close(self) -> None:
        if self.bar:
            self.bar.__exit__(None, None, None)
            self.bar = None

    def _print(self, text: str) -> None:
        if self.visible:
            print(text, flush=True)
