"""A training whose loss is no longer a number ends at once, and spoils nothing that was saved."""

import math
from pathlib import Path
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.dist import all_reduce
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from ...base.errors import UserError
from ...runs.run_folder import LAST

#: Steps between two looks where a look costs time: reading a loss waits for a GPU, and processes
#: have to agree, since one that leaves alone keeps the others waiting for its gradients.
_STEPS_BETWEEN_LOOKS = 10

#: In fp16 a forward pass may overflow now and then; the gradient scaler leaves such a step out.
_LEFT_OUT_IN_FP16 = 20


@HOOKS.register_module()
class FiniteLossHook(Hook):
    """Stop at a loss that is NaN or infinite. The runner adds this hook to every training.

    Raises:
        UserError: the loss of a step is not finite, in fp16 that of 20 steps in a row. The message
            says the step, the learning rate and what to try.
    """

    # Before the schedules, so that the rate is still that of the step.
    priority = 'VERY_HIGH'

    def before_train(self, runner: Runner) -> None:
        self.waiting: list[tuple[int, float, torch.Tensor]] = []
        self.in_a_row = 0
        alone_on_cpu = runner.world_size == 1 and get_device() == 'cpu'
        self.interval = 1 if alone_on_cpu else _STEPS_BETWEEN_LOOKS
        scaler = getattr(runner.optim_wrapper, 'scaler', None)
        self.allowed = _LEFT_OUT_IN_FP16 if scaler is not None and scaler.is_enabled() else 1

    def after_train_iter(
        self,
        runner: Runner,
        batch_idx: int,
        data_batch: Any = None,
        outputs: dict | None = None,
    ) -> None:
        loss = (outputs or {}).get('loss')
        if isinstance(loss, torch.Tensor):
            rates = next(iter(runner.optim_wrapper.get_lr().values()))
            self.waiting.append((runner.iter + 1, rates[0], loss.detach().float()))
            if len(self.waiting) >= self.interval:
                self._look(runner)

    def after_train_epoch(self, runner: Runner) -> None:
        self._look(runner)

    after_whole_epoch = after_train_epoch  # a training in steps may end inside an epoch

    def before_val_epoch(self, runner: Runner) -> None:
        if getattr(self, 'waiting', None):  # not in a validation on its own
            self._look(runner)

    def _look(self, runner: Runner) -> None:
        if not self.waiting:
            return
        finite = torch.stack([loss for *_, loss in self.waiting]).isfinite().int()
        all_reduce(finite, 'min')  # does nothing in one process
        for (step, rate, loss), sound in zip(self.waiting, finite.tolist(), strict=True):
            self.in_a_row = 0 if sound else self.in_a_row + 1
            if self.in_a_row >= self.allowed:
                raise UserError(_message(runner, step, rate, float(loss)))
        self.waiting.clear()


def _message(runner: Runner, step: int, rate: float, loss: float) -> str:
    value = loss if not math.isfinite(loss) else 'not finite on another process'
    kept = Path(runner.log_dir, LAST)
    return (
        f'the loss is {value} at step {step}, in epoch {runner.epoch + 1}, with a learning rate of '
        f'{rate:.3g}; the training ends here and '
        + (f'{kept} keeps the last good state' if kept.is_file() else 'nothing was saved')
        + '. Try a smaller learning_rate, clipped gradients (optim_wrapper.clip_grad.max_norm=1), '
        'or precision=fp32, and look at the data with tools/browse_dataset.py'
    )
