"""SIGINT, SIGTERM and SIGHUP as a question that the training loop asks between two batches."""

import signal
from contextlib import ExitStack
from types import FrameType

import torch
import torch.distributed as torch_dist
from mmengine.device import get_device

from ..base.stopping import Stopped, receiving

#: Processes agree on stopping only at every such batch: the question costs a message.
AGREE_EVERY = 10


class StopSignal:
    """A context in which a signal sets a flag; only a second Ctrl-C interrupts.

    A second SIGTERM does not: Slurm sends several, and the state is being written by then. Nor does
    a second SIGHUP: a closed terminal may send it after the shell did.

    Many processes stop at the same batch: they ask each other, so that none waits for the
    gradients of one that has left.
    """

    def __init__(self, distributed: bool) -> None:
        self.distributed = distributed
        self.received = 0
        self.interrupted = False
        self.asked = 0
        self._receiving = ExitStack()

    def __enter__(self) -> 'StopSignal':
        self._receiving.enter_context(receiving(self._receive))
        return self

    def __exit__(self, *exception: object) -> None:
        self._receiving.close()

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.interrupted:
            raise Stopped(number)
        self.interrupted |= number == signal.SIGINT
        self.received = self.received or number

    def requested(self) -> bool:
        """Say whether to stop now; every process gets the same answer at the same call."""
        if not self.distributed:
            return bool(self.received)
        self.asked += 1
        if self.asked % AGREE_EVERY:
            return False
        answer = torch.tensor(self.received, device=get_device())
        torch_dist.all_reduce(answer, torch_dist.ReduceOp.MAX)
        self.received = int(answer)
        return bool(self.received)

    @property
    def name(self) -> str:
        return signal.Signals(self.received).name

    @property
    def exit_status(self) -> int:
        return Stopped(self.received).exit_status
