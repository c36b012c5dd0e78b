"""A short training of a line of two weights, stopped and resumed in one process."""

import io
import warnings
from types import SimpleNamespace
from typing import Any

import torch
from mmengine.optim import OptimWrapper
from mmengine.registry import PARAM_SCHEDULERS
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor

from custom_modules.distributed.sharding import whole_state
from custom_modules.engine.training_state import Built, restore_training_state, training_state

STEPS = 3


class Run:
    """A training of a weight and a bias, in groups of their own, on equal batches.

    Args:
        schedules: configs of MMEngine's schedules.
        kind: name of the optimizer.
        counts: batches of one step of the optimizer.
        sharded: split the model among the processes.
        optimizer: its settings.
    """

    distributed, world_size = False, 1

    def __init__(
        self,
        *schedules: dict,
        kind: str = 'SGD',
        counts: int = 1,
        sharded: bool = False,
        **optimizer: Any,
    ) -> None:
        self.model = self.bare_model = torch.nn.Linear(2, 1)
        torch.nn.init.ones_(self.model.weight)
        torch.nn.init.zeros_(self.model.bias)
        if sharded:
            fully_shard(self.model, mesh=init_device_mesh('cpu', (1,)))
        groups = [dict(params=[parameter]) for parameter in self.model.parameters()]
        groups[1]['weight_decay'] = 0.25  # type: ignore[assignment]
        settings = dict(lr=0.5) | optimizer
        self.optim_wrapper = OptimWrapper(
            getattr(torch.optim, kind)(groups, **settings), accumulative_counts=counts
        )
        self.optim_wrapper.initialize_count_status(self.model, 0, -1)
        self.param_schedulers = [
            PARAM_SCHEDULERS.build(dict(optimizer=self.optim_wrapper, **schedule))
            for schedule in schedules
        ]
        self.built = Built(self.optim_wrapper, self.param_schedulers)
        self.train_loop = SimpleNamespace(epoch=0, iter=0, steps_into_epoch=0)
        self._hooks: list[Any] = []
        self.rates: list[list[float]] = []

    def go_on(self, steps: int, score: float = 0.0) -> 'Run':
        """Train and validate as MMEngine does it, three steps an epoch; note the rates."""
        loop = self.train_loop
        for _ in range(steps):
            self.rates.append([group['lr'] for group in self.optim_wrapper.param_groups])
            self.optim_wrapper.update_params(self.model(torch.tensor([0.5, -1.0])).sum())
            loop.iter += 1
            loop.steps_into_epoch = loop.iter % STEPS
            ends = loop.steps_into_epoch == 0
            loop.epoch += ends
            for schedule in self.param_schedulers:
                if getattr(schedule, 'need_val_args', False):
                    schedule.step()
                    if ends:
                        schedule.step(dict(loss=score))
                elif ends or not schedule.by_epoch:
                    schedule.step()
        return self

    def saved(self, older: bool = False) -> dict:
        """Return the checkpoint as it comes back from the disk; an older one notes no settings."""
        file = io.BytesIO()
        optimizer = (
            whole_state(self.model, self.optim_wrapper.optimizer)[1]
            if isinstance(self.model.weight, DTensor)
            else self.optim_wrapper.state_dict()
        )
        state = training_state(self, optimizer)
        if older:
            del state['optimizer_settings']
            for schedule in state['param_schedulers']:
                del schedule['settings']
        torch.save(state, file)
        file.seek(0)
        return torch.load(file, weights_only=True)

    def resume(self, run: 'Run', older: bool = False) -> 'Run':
        """Go on with the weights and the state of another run."""
        self.model.load_state_dict(run.model.state_dict())
        vars(self.train_loop).update(vars(run.train_loop))
        self.optim_wrapper.initialize_count_status(self.model, run.train_loop.iter, -1)
        with warnings.catch_warnings():
            warnings.simplefilter('error')
            restore_training_state(self, run.saved(older), 'last.pth')
        return self

    def values(self) -> list[float]:
        whole = [getattr(p, 'full_tensor', p.detach)() for p in self.model.parameters()]
        return [value for parameter in whole for value in parameter.flatten().tolist()]


LINEAR = dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=6)
STEP = dict(type='MultiStepLR', milestones=[1], gamma=0.1, by_epoch=True)
POLY = dict(type='PolyLR', power=0.9, eta_min=1e-4, end=12, by_epoch=False)
ONE_CYCLE = dict(type='OneCycleLR', eta_max=1.0, total_steps=12, by_epoch=False)
PLATEAU = dict(type='ReduceOnPlateauLR', monitor='loss', patience=1, factor=0.5)


def noted(run: Run, steps: int) -> tuple[list, list, list]:
    run.rates.clear()
    run.go_on(steps)
    return run.rates, run.values(), [group['lr'] for group in run.optim_wrapper.param_groups]


def touch(run: Run) -> Run:
    """Halve the rates, as a hook of one's own may: it is not known to schedules."""
    for group in run.optim_wrapper.param_groups:
        group['lr'] /= 2
    return run
