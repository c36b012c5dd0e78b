"""What all command-line tools share."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import UserError, user_message


@contextmanager
def user_errors() -> Iterator[None]:
    """Turn the user's mistakes into one message on stderr and status 2, Ctrl-C into 130.

    Other exceptions pass with their traceback and status 1: they are our fault.
    """
    try:
        yield
    except UserError as error:
        rank = os.environ.get('RANK', '0')
        prefix = '' if rank == '0' else f'[rank {rank}] '
        print(f'{prefix}error: {user_message(error)}', file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print('interrupted', file=sys.stderr)
        raise SystemExit(130) from None
