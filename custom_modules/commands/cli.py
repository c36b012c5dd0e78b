"""What all command-line tools share."""

import errno
import gc
import logging
import os
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from ..base.errors import UserError, user_message
from ..base.output import OutputLostError, steady_output
from ..base.paths import as_typed
from ..base.stopping import Stopped, stopping
from ..base.whole_file import disk_error
from ..distributed.processes import end_workers, leave


@contextmanager
def user_errors(needs_output: bool = True) -> Iterator[None]:
    """Let a tool end in order, whatever happens, with one line on stderr and a status.

    - 2: a mistake of the user, or a disk that is full or cannot be written;
    - 128 + its number: a signal asked for the end (130 for Ctrl-C, 143 for SIGTERM, 129 for a
      terminal that was closed); 141 is that of SIGPIPE, without a word: nobody reads any more;
    - 1: all else, with its traceback; that is our fault.

    Args:
        needs_output: whether a standard output that cannot be written ends the tool; False for
            tools that do their work without, such as a training.
    """
    gc.freeze()  # what was imported stays, so no collection need look at it
    logging.raiseExceptions = False  # a line of a log that cannot be written ends nothing
    if hasattr(signal, 'SIGPIPE'):
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    with steady_output(needs_output) as output:
        status = 0
        try:
            with stopping():
                try:
                    yield
                    sys.stdout.flush()
                except (Exception, KeyboardInterrupt, SystemExit) as error:
                    status = _status(error)
        except Stopped as second:  # while the first was put into words
            status = second.exit_status
        if output and output.lost and needs_output and not status:
            status = _status(output.lost)  # a library kept it to itself
        if _rank() is not None or status:
            leave(status)
        end_workers()
    gc.freeze()  # the interpreter's end would look at all there is once more, which takes a second


def _status(error: BaseException) -> int:
    """Return the status that ``error`` is, and say what it was.

    Raises:
        Exception: ``error`` itself, where it is our fault and the interpreter can show it.
    """
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else 1
    if isinstance(error, KeyboardInterrupt):
        stopped = error if isinstance(error, Stopped) else Stopped(signal.SIGINT)
        is_interrupt = stopped.number == signal.SIGINT
        print('interrupted' if is_interrupt else f'ended by {stopped}', file=sys.stderr)
        return stopped.exit_status
    if isinstance(error, OutputLostError):
        if error.number == errno.EPIPE:
            return 141  # 128 + SIGPIPE, which Windows does not name
        print(f'error: standard output cannot be written ({error})', file=sys.stderr)
        return 2
    known = error if isinstance(error, UserError) else disk_error(error)  # type: ignore[arg-type]
    if known is not None:
        prefix = '' if _rank() in (None, '0') else f'[rank {_rank()}] '
        print(f'{prefix}error: {as_typed(user_message(known))}', file=sys.stderr)
        return 2
    if _rank() is None:
        raise error
    # The interpreter's end would wait for the other processes, of which one may be dead.
    traceback.print_exception(error)
    return 1


def _rank() -> str | None:
    """Return this process's number among several, as torchrun or Slurm gave it."""
    return os.environ.get('RANK')
