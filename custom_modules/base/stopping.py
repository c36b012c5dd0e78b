"""SIGINT, SIGTERM, SIGHUP and SIGBREAK: how they end a tool, and wait while it tidies up."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

#: Ctrl-C, the end that a system or a queue asks for, and a terminal that is closed. Windows has
#: SIGBREAK in the place of the last two.
SIGNALS = tuple(
    getattr(signal, name)
    for name in ('SIGINT', 'SIGTERM', 'SIGHUP', 'SIGBREAK')
    if hasattr(signal, name)
)


class Stopped(KeyboardInterrupt):
    """A signal asked the tool to end: a Ctrl-C that knows which.

    Attributes:
        number: number of the signal, such as 2 for SIGINT.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def exit_status(self) -> int:
        """128 + the signal's number, as a shell reports it."""
        return 128 + self.number


@contextmanager
def receiving(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Let ``handler`` receive the signals; afterwards they go where they went before.

    A SIGHUP that is ignored stays so: ``nohup`` asks for it. Only the main thread may say where
    signals go; in others this does nothing.
    """
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            old = signal.getsignal(number)
            ignored = old is signal.SIG_IGN and number != signal.SIGINT
            if old is not None and not ignored:  # None: a library in C has it
                before[number] = signal.signal(number, handler)
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


@contextmanager
def stopping() -> Iterator[None]:
    """Let each signal raise ``Stopped``, so that everything is tidied up on the way out."""

    def stop(number: int, _: FrameType | None) -> None:
        raise Stopped(number)

    with receiving(stop):
        yield


@contextmanager
def signals_wait() -> Iterator[None]:
    """Let signals wait for the end of this block, which removes or exchanges files."""
    waiting: list[int] = []
    with receiving(lambda number, _: waiting.append(number)):
        yield
    if waiting:
        signal.raise_signal(waiting[0])
