"""What all command-line tools share."""

import gc
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

from .engine.processes import end_workers, leave
from .errors import UserError, user_message


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn the user's mistakes into one message on stderr and status 2, Ctrl-C into 130.

    Other exceptions pass with their traceback and status 1: they are our fault.
    """
    gc.freeze()  # what was imported stays, so no collection need look at it
    status = 0
    try:
        yield
    except UserError as error:
        prefix = '' if _rank() in (None, '0') else f'[rank {_rank()}] '
        print(f'{prefix}error: {user_message(error)}', file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        status = 130
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except Exception:
        if _rank() is None:
            raise
        # The interpreter's end would wait for the other processes, of which one may be dead.
        traceback.print_exc()
        status = 1
    if _rank() is not None or status:
        leave(status)
    end_workers()
    gc.freeze()  # the interpreter's end would look at all there is once more, which takes a second


def _rank() -> str | None:
    """Return this process's number among several, as torchrun or Slurm gave it."""
    return os.environ.get('RANK')
