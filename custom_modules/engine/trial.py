"""Training steps of a config outside a run: nothing is scheduled, validated, logged or kept."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmengine.config import Config
from mmengine.registry import LOOPS

from ..config import own_copy
from ..config.held_datasets import changed
from ..config.stages import require_stage
from .loops import ResumableTrainLoop
from .memory import keep_freed_memory
from .runner import PetSegRunner

#: What a trial has no use for. The rate of a schedule is not the one that is tried, and a hook may
#: write.
_LEFT_OUT = (
    *(f'{stage}_{key}' for stage in ('val', 'test') for key in ('dataloader', 'cfg', 'evaluator')),
    *('param_scheduler', 'custom_hooks', 'resume'),
)


@LOOPS.register_module()
class NoSteps(ResumableTrainLoop):
    """Everything that surrounds a training, but not a single step: those are taken from outside."""

    def run_epoch(self) -> None:
        self.stop_training = True


@contextmanager
def trial_runner(config: Config) -> Iterator[PetSegRunner]:
    """Yield the runner of a training that is ready for its first step and leaves nothing behind.

    Loader, model, weights, losses and optimiser (with precision and accumulation) are built as
    ``tools/train.py`` builds them; the pixels do not come from a cache, which would be written.

    Args:
        config: resolved config of the training.

    Raises:
        UserError: a mistake in config or data.
    """
    require_stage(config, 'train', config.filename)
    settings = own_copy(config)
    for key in _LEFT_OUT:
        settings.pop(key, None)
    # No end of the training is ever near: there, accumulated gradients count differently.
    settings.train_cfg = dict(type='NoSteps', max_epochs=10**6)
    settings.visualizer = dict(type='Visualizer', vis_backends=[])
    settings.default_hooks = dict(logger=None, checkpoint=None, param_scheduler=None)
    loader = settings.train_dataloader
    loader['dataset'] = changed(loader['dataset'], cache=False)
    keep_freed_memory()
    with tempfile.TemporaryDirectory(prefix='petseg_') as folder:
        settings.work_dir, settings.run_name = str(Path(folder).parent), Path(folder).name
        runner = PetSegRunner.from_cfg(settings)
        runner.train()
        runner.model.train()
        yield runner
