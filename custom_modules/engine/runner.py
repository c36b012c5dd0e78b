"""MMEngine's Runner with a folder of its own per run, safe checkpoints, and processes on a CPU."""

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import torch.distributed as torch_dist
from mmengine.device import get_device
from mmengine.dist import is_main_process, master_only
from mmengine.hooks import Hook
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.registry import RUNNERS
from mmengine.runner import BaseLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from ..distributed.sharding import is_sharded, shard_model
from ..distributed.start_method import prepare_process
from ..models.compiled import compile_network
from ..models.cpu_convolutions import use_cpu_convolutions
from ..models.precision import memory_format
from ..runs.environment import environment
from ..runs.run_folder import create_run_folder
from . import checkpoints
from .data_loaders import build_data_loader, release_workers
from .hooks.finite_loss_hook import FiniteLossHook
from .hooks.teacher_hook import TeacherHook
from .model_wrapping import computes_below_fp32, prepare_for_processes
from .schedules import build_schedules, check_optim_wrapper, refuse_several_optimizers
from .trackers import guard_trackers
from .training_state import Built


@RUNNERS.register_module()
class PetSegRunner(Runner):
    """What differs from MMEngine's Runner:

    - the run's folder is ``log_dir`` = ``work_dir/<timestamp>`` and everything goes there. A config
      key ``run_name`` (set by the tools) names an existing folder instead;
    - checkpoints hold tensors and plain types, are written whole or not at all, load only into the
      model they are of, and hold the random state and the state of every hook that has one;
    - with a launcher and without CUDA, processes talk over gloo;
    - the console gets warnings only, the log file everything.
    """

    _timestamp: str
    #: Folder that the newest runner of this process has made for its run; None where it goes on.
    created: ClassVar[Path | None] = None

    #: ``meta`` of the checkpoint that was loaded.
    checkpoint_meta: dict
    #: Of a training: its optimizer and schedules as the config makes them.
    built: Built

    def setup_env(self, env_cfg: dict) -> None:
        super().setup_env(prepare_process(env_cfg))
        run_name = self.cfg.get('run_name')
        PetSegRunner.created = None
        if run_name is None:
            if is_main_process():
                run_name = create_run_folder(Path(self.work_dir), self._timestamp)
                PetSegRunner.created = Path(self.work_dir, run_name).resolve()
            names = [run_name]
            if self.distributed:
                torch_dist.broadcast_object_list(names)
            run_name = names[0]
        self._timestamp = run_name

    @property
    def is_training_run(self) -> bool:
        """Whether ``train`` was called, as opposed to a validation or test on its own."""
        return isinstance(self._train_loop, BaseLoop)

    @property
    def bare_model(self) -> nn.Module:
        """The model without the wrapper for many processes."""
        return self.model.module if is_model_wrapper(self.model) else self.model

    def build_logger(self, log_level: int | str = 'INFO', **kwargs: object) -> MMLogger:
        stage = 'test' if self._train_loop is None else 'train'
        kwargs.setdefault('log_file', str(Path(self.log_dir, f'{stage}.log')))
        # A logger, message hub and visualizer of this name write where the runner before wrote.
        while MMLogger.check_instance_created(self._experiment_name):
            self._experiment_name += '_'
        logger = super().build_logger(log_level, **kwargs)
        for handler in logger.handlers:
            if not isinstance(handler, logging.FileHandler):
                handler.setLevel(max(handler.level, logging.WARNING))
        return logger

    def build_visualizer(self, visualizer: Any = None) -> Any:
        built = super().build_visualizer(visualizer)
        guard_trackers(built, self.logger)
        return built

    def _log_env(self, env_cfg: dict) -> None:
        lines = [f'{key}: {value}' for key, value in environment().items()]
        self.logger.info('Environment:\n    ' + '\n    '.join(lines))
        self.logger.info(f'Config:\n{self.cfg.pretty_text}')

    def wrap_model(self, model_wrapper_cfg: dict | None, model: nn.Module) -> nn.Module:
        if computes_below_fp32(self.cfg):
            # Convolutions in half precision are fastest with the channels innermost.
            model.to(memory_format=memory_format(get_device()))  # type: ignore[call-overload]
            if get_device() == 'cpu':
                use_cpu_convolutions(model)
        if self.distributed:
            model_wrapper_cfg = prepare_for_processes(self.cfg, model, model_wrapper_cfg)
            if self.cfg.get('shard'):
                shard_model(model.to(get_device()), self.world_size)
                return model
        return super().wrap_model(model_wrapper_cfg, model)

    def _init_model_weights(self) -> None:
        if not is_sharded(self.model):
            super()._init_model_weights()

    def _maybe_compile(self, target: str) -> None:
        """Compile the network alone; MMEngine would compile the whole training step."""
        compile_network(self.bare_model, self.cfg.get('compile') or False, target == 'train_step')

    def train(self) -> nn.Module:
        with self._watched():
            return super().train()

    def val(self) -> dict[str, float]:
        self._maybe_compile('val_step')
        with self._watched():
            return super().val()

    def test(self) -> dict[str, float]:
        self._maybe_compile('test_step')
        with self._watched():
            return super().test()

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Call the hooks' ``after_failure`` when the loop ends before its end, by error or signal.

        MMEngine calls ``after_run`` at a good end alone.
        """
        try:
            yield
        except BaseException:
            self.call_hook('after_failure')
            raise
        finally:
            loops = (self._train_loop, self._val_loop, self._test_loop)
            # Before the first use a loop is a config.
            release_workers(loop.dataloader for loop in loops if isinstance(loop, BaseLoop))

    def register_hooks(self, default_hooks: Any = None, custom_hooks: Any = None) -> None:
        # None takes any hook out; MMEngine knows that of its own alone.
        given = {k: Hook() if hook is None else hook for k, hook in (default_hooks or {}).items()}
        super().register_hooks(given, custom_hooks)
        if self._train_loop is not None:
            self.register_hook(FiniteLossHook())
            self.register_hook(TeacherHook())

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, seed: int | None = None, diff_rank_seed: bool = False
    ) -> DataLoader:
        if isinstance(dataloader, DataLoader):
            return dataloader
        return build_data_loader(dataloader, seed, diff_rank_seed)

    @functools.cached_property
    def train_images(self) -> list[str]:
        """What tells the images of this training from others."""
        return checkpoints.train_images(self)

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        check_optim_wrapper(optim_wrapper, self.model)
        return super().build_optim_wrapper(optim_wrapper)

    def build_param_scheduler(self, scheduler: Any) -> Any:
        return build_schedules(scheduler, self.optim_wrapper, super().build_param_scheduler)

    def load_or_resume(self) -> None:
        if self.is_training_run:
            refuse_several_optimizers(self.optim_wrapper)
            self.built = Built(self.optim_wrapper, self.param_schedulers or [])
        super().load_or_resume()

    def load_checkpoint(self, filename: str, **kwargs: object) -> dict:
        return checkpoints.load(self, filename)

    def resume(self, filename: str, **kwargs: object) -> None:
        checkpoints.resume(self, filename)

    @master_only
    def dump_config(self) -> None:
        """The tools write ``config.py`` themselves, in the form that can be loaded again."""
