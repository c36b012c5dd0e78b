"""Data loaders whose order and random numbers can be repeated."""

import signal
import weakref
from collections.abc import Iterable
from types import FrameType
from typing import Any

import torch
from mmengine.device import get_device
from mmengine.registry import FUNCTIONS
from mmengine.runner import Runner
from torch.utils.data import DataLoader

from ..base.errors import UserError
from ..base.stopping import SIGNALS
from ..datasets.seeded_dataset import SeededDataset
from ..distributed.processes import workers_of


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


def build_data_loader(settings: dict, seed: int | None, diff_rank_seed: bool) -> DataLoader:
    """Build a data loader of a config around a data set with seeded random numbers.

    Args:
        settings: dict of the config: ``train_dataloader``, ``val_dataloader`` or
            ``test_dataloader``.
        seed: seed of the run, which decides on the order of the images and their augmentation; None
            draws one.
        diff_rank_seed: whether each process gets a seed of its own, as in MMEngine.

    Raises:
        UserError: the images do not fill one batch, or there are more workers than the machine
            takes.
    """
    config = dict(settings)
    config['dataset'] = SeededDataset.build(config['dataset'])
    config['num_workers'] = workers_of(config.get('num_workers', 0))
    if not config['num_workers']:
        config['persistent_workers'] = False
    config.setdefault('worker_init_fn', dict(type='patient_worker'))
    config.setdefault('pin_memory', get_device() == 'cuda')
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
    _note_iterators(loader)
    return loader


def release_workers(loaders: Iterable[DataLoader]) -> None:
    """Let the workers of data loaders go now, in order, at a good end or a bad one.

    Left to the garbage collector, which takes their queues apart before it ends them, each keeps
    this process waiting for ten seconds. Left to the end of the interpreter, which sends them one
    SIGTERM and waits, they keep it for ever.
    """
    for loader in loaders:
        newest = getattr(loader, 'newest_iterator', lambda: None)()
        for iterator in (newest, loader._iterator):
            shut_down = getattr(iterator, '_shutdown_workers', None)
            if shut_down is not None:  # it has workers
                shut_down()
        loader._iterator = None


def _note_iterators(loader: Any) -> None:
    """Let a loader know its newest iterator; itself it keeps one of persistent workers alone."""
    make = loader._get_iterator

    def noted() -> Any:
        iterator = make()
        loader.newest_iterator = weakref.ref(iterator)
        return iterator

    loader._get_iterator = noted
