"""Training loops that stand still: what hooks ask of them, by what a runner of a test says."""

from typing import Any

from custom_modules.engine.loops import ResumableIterLoop, ResumableTrainLoop


class _Still:
    """Epoch, step and loader are the runner's, whose attributes a test sets."""

    _epoch = property(lambda self: self.runner.epoch)
    _max_epochs = property(lambda self: self.runner.max_epochs)
    _iter = property(lambda self: self.runner.iter)
    dataloader = property(lambda self: self.runner.train_dataloader)
    stop_training = False


class StillEpochs(_Still, ResumableTrainLoop):
    def __init__(self, runner: Any, steps_into_epoch: int = 0) -> None:
        self._runner, self.steps_into_epoch = runner, steps_into_epoch


class StillSteps(_Still, ResumableIterLoop):
    def __init__(self, runner: Any, max_iters: int, val_interval: int) -> None:
        self._runner, self._max_iters, self.val_interval = runner, max_iters, val_interval
