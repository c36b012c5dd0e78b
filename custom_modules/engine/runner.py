"""MMEngine's Runner with a folder of its own per run, safe checkpoints, and processes on a CPU."""

import functools
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar

import torch
import torch.distributed as torch_dist
from mmengine.device import get_device
from mmengine.dist import is_main_process, master_only
from mmengine.logging import MMLogger
from mmengine.model import is_model_wrapper
from mmengine.optim import OneCycleLR, OptimWrapper, OptimWrapperDict
from mmengine.registry import FUNCTIONS, RUNNERS
from mmengine.runner import BaseLoop, Runner
from torch import nn
from torch.utils.data import DataLoader

from ..datasets.seeded_dataset import SeededDataset
from ..datasets.shared_images import image_marks
from ..errors import UserError, did_you_mean
from ..models.sync_batch_norm import synchronise_batch_norm
from ..stopping import SIGNALS
from .checkpoint_io import load_checkpoint, load_weights, save_checkpoint
from .compiled import CompiledNetwork
from .environment import environment
from .finite_loss_hook import FiniteLossHook
from .initial_weights import start_from
from .precision import resolve_dtype
from .processes import workers_of
from .run_folder import LAST, PREVIOUS, create_run_folder
from .sharding import is_sharded, shard_model, whole_state
from .trackers import guard_trackers
from .training_state import Built, restore_training_state, training_state
from .weights_check import unsound_weight

#: ``end`` of a schedule that has none, as MMEngine writes it.
ENDLESS = int(1e9)


@FUNCTIONS.register_module()
def patient_worker(worker_id: int) -> None:  # noqa: ARG001  (the data loader passes it)
    """Let a worker of the data loader outlive Ctrl-C, SIGHUP and the first SIGTERM.

    A terminal, torchrun and Slurm signal every process of a run. The main process still wants the
    next batch, then saves and ends its workers itself.
    """

    def die_next_time(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        signal.signal(number, signal.SIG_DFL)

    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, die_next_time)


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
        super().setup_env(env_cfg)
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
        if self._computes_below_fp32():
            # Convolutions in half precision are fastest with the channels innermost.
            model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        on_gpu = torch.cuda.is_available()
        if self.distributed and not on_gpu:
            # MMEngine would take torch's, which refuses a CPU.
            synchronise_batch_norm(model, every=bool(self.cfg.pop('sync_bn', None)))
        if self.distributed and self.cfg.get('shard'):
            if on_gpu and self.cfg.get('sync_bn'):
                model = nn.SyncBatchNorm.convert_sync_batchnorm(model)
            shard_model(model.to(get_device()), self.world_size)
            return model
        if self.distributed and not on_gpu and model_wrapper_cfg is None:
            model_wrapper_cfg = dict(
                type='MMDistributedDataParallel', device_ids=None, broadcast_buffers=False
            )
        return super().wrap_model(model_wrapper_cfg, model)

    def _init_model_weights(self) -> None:
        if not is_sharded(self.model):
            super()._init_model_weights()

    def _maybe_compile(self, target: str) -> None:
        """Compile the network alone; MMEngine would compile the whole training step."""
        settings = self.cfg.get('compile') or False
        model: Any = self.bare_model
        if settings and not isinstance(model.network, CompiledNetwork):
            model.network = CompiledNetwork(model.network, {} if settings is True else settings)

    def train(self) -> nn.Module:
        with self._told_of_failure():
            model = super().train()
        self._release_loader_workers()
        return model

    def val(self) -> dict[str, float]:
        self._maybe_compile('val_step')
        with self._told_of_failure():
            figures = super().val()
        self._release_loader_workers()
        return figures

    def test(self) -> dict[str, float]:
        self._maybe_compile('test_step')
        with self._told_of_failure():
            figures = super().test()
        self._release_loader_workers()
        return figures

    @contextmanager
    def _told_of_failure(self) -> Iterator[None]:
        """Call the hooks' ``after_failure`` when the loop ends before its end, by error or signal.

        MMEngine calls ``after_run`` at a good end alone.
        """
        try:
            yield
        except BaseException:
            self.call_hook('after_failure')
            raise

    def _release_loader_workers(self) -> None:
        """Let the workers go now, in order.

        Left to the garbage collector, which takes their queues apart before it ends them, each
        keeps this process waiting for ten seconds.
        """
        for loop in (self._train_loop, self._val_loop, self._test_loop):
            if isinstance(loop, BaseLoop):  # before the first use it is a config
                loop.dataloader._iterator = None

    def register_hooks(self, default_hooks: Any = None, custom_hooks: Any = None) -> None:
        super().register_hooks(default_hooks, custom_hooks)
        if self._train_loop is not None:
            self.register_hook(FiniteLossHook())

    def _computes_below_fp32(self) -> bool:
        device = 'cuda' if torch.cuda.is_available() else 'cpu'
        stages = (self.cfg.get('optim_wrapper'), self.cfg.get('test_cfg'))
        precisions = [stage['precision'] for stage in stages if stage and 'precision' in stage]
        return any(resolve_dtype(p, device) != torch.float32 for p in precisions)

    @staticmethod
    def build_dataloader(
        dataloader: DataLoader | dict, seed: int | None = None, diff_rank_seed: bool = False
    ) -> DataLoader:
        if isinstance(dataloader, DataLoader):
            return dataloader
        config = dict(dataloader)
        config['dataset'] = SeededDataset.build(config['dataset'])
        config['num_workers'] = workers_of(config.get('num_workers', 0))
        if not config['num_workers']:
            config['persistent_workers'] = False
        config.setdefault('worker_init_fn', dict(type='patient_worker'))
        config.setdefault('pin_memory', torch.cuda.is_available())
        loader = Runner.build_dataloader(config, seed, diff_rank_seed)
        if not len(loader):
            split = getattr(loader.dataset, 'split', None)
            of_split = f' of the split {split!r}' if split else ''
            raise UserError(
                f'the {len(loader.dataset)} images{of_split} do not fill one batch of '
                f'{loader.batch_size}; choose a smaller batch_size'
            )
        # Without a generator of its own, each new iterator would take a number from the global one
        # and a resumed run would draw other dropout masks.
        loader.generator = torch.Generator().manual_seed(seed or 0)
        return loader

    @functools.cached_property
    def _train_images(self) -> list[str]:
        return sorted(image_marks(self.train_dataloader.dataset))

    def save_last(self, keep_previous: bool = True) -> None:
        """Write ``last.pth``, from which a run goes on as if it had never stopped.

        The one before it stays as ``previous.pth``, unless told otherwise.
        """
        states = self._states()
        state = training_state(self, states[1])
        if not is_main_process():
            return
        loop = self.train_loop
        checkpoint = self._checkpoint_of(states[0])
        checkpoint['meta'].update(
            sharded=is_sharded(self.model),
            validation_pending=loop.validation_pending,
            steps_into_epoch=loop.steps_into_epoch,
            steps_per_epoch=len(loop.dataloader),
            stop_training=loop.stop_training,
            seconds=loop.seconds,
        )
        checkpoint.update(state)
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        self._check_weights(checkpoint, LAST)
        previous = PREVIOUS if keep_previous else None
        save_checkpoint(checkpoint, Path(self.log_dir, LAST), previous)

    def save_weights(self, filename: str, figures: dict[str, float] | None = None) -> None:
        """Write the weights and what they are of, without the state of the training."""
        states = self._states()
        if not is_main_process():
            return
        checkpoint = self._checkpoint_of(states[0])
        checkpoint['meta'].update(figures=figures or {})
        self.call_hook('before_save_checkpoint', checkpoint=checkpoint)
        checkpoint.pop('ema_state_dict', None)  # MMEngine's EMAHook keeps the raw weights there
        self._check_weights(checkpoint, filename)
        save_checkpoint(checkpoint, Path(self.log_dir, filename))

    def _check_weights(self, checkpoint: dict, filename: str) -> None:
        """Let no weights replace good ones that could not be loaded again."""
        fault = unsound_weight(checkpoint['state_dict'], self.bare_model)
        if fault:
            raise UserError(
                f'{Path(self.log_dir, filename)}: not written, because after step {self.iter} '
                f'{fault}; what was saved before stays. Try a smaller learning_rate, clipped '
                'gradients (optim_wrapper.clip_grad.max_norm=1), or precision=fp32'
            )

    def _states(self) -> tuple[dict, dict]:
        """Return the state of model and optimiser; of a sharded model all processes have to ask."""
        if is_sharded(self.model):
            return whole_state(self.model, self.optim_wrapper.optimizer)
        if not is_main_process():
            return {}, {}
        return self.bare_model.state_dict(), self.optim_wrapper.state_dict()

    def _checkpoint_of(self, weights: dict) -> dict:
        return dict(
            meta=dict(
                epoch=self.epoch,
                iter=self.iter,
                seed=self.seed,
                config=self.cfg.pretty_text,
                experiment_name=self.experiment_name,
                train_images=self._train_images,
                training=dict(
                    epochs=self.epoch,
                    max_epochs=self.max_epochs,
                    minutes=round(self.train_loop.seconds / 60, 2),
                    precision=str(getattr(self.optim_wrapper, 'dtype', torch.float32)).removeprefix(
                        'torch.'
                    ),
                    processes=self.world_size,
                    **environment(),
                ),
            ),
            state_dict=weights,
        )

    def build_optim_wrapper(self, optim_wrapper: Any) -> Any:
        if isinstance(optim_wrapper, dict):
            self._check_custom_keys(optim_wrapper.get('paramwise_cfg') or {})
        return super().build_optim_wrapper(optim_wrapper)

    def _check_custom_keys(self, paramwise: dict) -> None:
        """Refuse a key that is in no name: MMEngine would use it for nothing, in silence."""
        names = [name for name, _ in self.model.named_parameters()]
        for key in paramwise.get('custom_keys') or ():
            if not any(key in name for name in names):
                near = did_you_mean(key, {part for name in names for part in name.split('.')})
                raise UserError(
                    f'optim_wrapper.paramwise_cfg.custom_keys: {key!r} is in the name of no '
                    f'parameter, such as {names[0]}{near}'
                )

    def build_param_scheduler(self, scheduler: Any) -> Any:
        for settings in scheduler if isinstance(scheduler, list) else [scheduler]:
            if isinstance(settings, dict) and 'ReduceOnPlateau' in str(settings.get('type')):
                # MMEngine would end it at max_epochs, before the last validation: resumed with
                # more epochs, it would lack that one.
                settings.setdefault('end', ENDLESS)
        groups, base = [], 1.0
        one = isinstance(self.optim_wrapper, OptimWrapper)
        if one and not isinstance(self.optim_wrapper, OptimWrapperDict):
            groups, base = self.optim_wrapper.param_groups, self.optim_wrapper.defaults['lr']
        shares = [group['lr'] / base for group in groups]
        built = super().build_param_scheduler(scheduler)
        for schedule in built if isinstance(built, list) else []:
            if isinstance(schedule, OneCycleLR) and not isinstance(schedule.eta_max, list | tuple):
                for group, share in zip(groups, shares, strict=True):  # it gives all one rate
                    for key in ('lr', 'initial_lr', 'max_lr', 'min_lr'):
                        group[key] *= share
        return built

    def load_or_resume(self) -> None:
        if self.is_training_run:
            if isinstance(self.optim_wrapper, OptimWrapperDict):
                raise UserError(
                    'optim_wrapper: several optimizers (OptimWrapperDict) are not supported; '
                    'paramwise_cfg gives parts of the network rates of their own'
                )
            self.built = Built(self.optim_wrapper, self.param_schedulers or [])
        super().load_or_resume()

    def load_checkpoint(self, filename: str, **kwargs: object) -> dict:
        if self.is_training_run:
            start_from(self.bare_model, filename)
            start = dict(state_dict=self.bare_model.state_dict())
            self.call_hook('after_load_checkpoint', checkpoint=start)  # an average starts there too
            return start
        checkpoint = load_checkpoint(filename)
        self._take_weights(checkpoint, filename)
        return checkpoint

    def _take_weights(self, checkpoint: dict, filename: str) -> None:
        self.call_hook('after_load_checkpoint', checkpoint=checkpoint)
        load_weights(self.bare_model, checkpoint, filename)
        self.checkpoint_meta = checkpoint.get('meta', {})
        self._has_loaded = True
        self.logger.info(f'weights of {filename}')

    def resume(self, filename: str, **kwargs: object) -> None:
        try:
            checkpoint = load_checkpoint(filename)
        except UserError as damage:
            previous = Path(filename).with_name(PREVIOUS)
            if not previous.is_file():
                raise
            self.logger.warning(f'{damage}; going on from {previous}')
            checkpoint = load_checkpoint(previous)
            if is_main_process() and Path(filename).is_file():
                Path(filename).replace(previous.with_name('damaged.pth'))
            filename = str(previous)
        self._take_weights(checkpoint, filename)
        if 'optimizer' not in checkpoint or 'rng' not in checkpoint:
            raise UserError(
                f'{filename}: holds weights but no state of a training; resume from a last.pth, or '
                'start from these weights with --cfg-options load_from=...'
            )
        meta = checkpoint['meta']
        loop = self.train_loop
        loop._epoch, loop._iter = meta['epoch'], meta['iter']
        self._check_images(meta.get('train_images'), filename)
        self._check_steps(meta['steps_into_epoch'], meta['steps_per_epoch'], filename)
        loop.steps_into_epoch = meta['steps_into_epoch']
        loop.validation_pending = meta['validation_pending']
        loop.stop_training = meta['stop_training']
        loop.seconds_before = meta['seconds']
        if meta.get('sharded', False) != is_sharded(self.model):
            raise UserError(
                f'{filename}: resume with shard={not is_sharded(self.model)}, as the run began'
            )
        restore_training_state(self, checkpoint, filename)
        self.logger.info(f'resumed {filename} after epoch {meta["epoch"]}, step {meta["iter"]}')

    def _check_images(self, before: list[str] | None, filename: str) -> None:
        """Refuse other images than before: what was learned may now be in the validation."""
        if before not in (None, self._train_images) and not self.cfg.get('allow_changes'):
            raise UserError(
                f'{filename}: the training images are no longer those of the run, because files or '
                'lists have changed; start a new run, or go on all the same with --allow-changes'
            )

    def _check_steps(self, done: int, before: int, filename: str) -> None:
        """Refuse another batch size or number of processes where the position would be lost."""
        now = len(self.train_loop.dataloader)
        if now == before or (self.cfg.get('allow_changes') and not done):
            return
        remedy = 'resume with the batch_size, data and number of processes of before'
        if not done:
            remedy += ', or with --allow-changes: schedules count steps and may end elsewhere'
        raise UserError(
            f'{filename}: an epoch had {before} steps and now has {now}, and {done} of the current '
            f'one are done; {remedy}'
        )

    @master_only
    def dump_config(self) -> None:
        """The tools write ``config.py`` themselves, in the form that can be loaded again."""
