"""Standard output and standard error that may be closed, broken or full."""

import io
import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO


class OutputLostError(Exception):
    """Nobody can read what the tool prints any more.

    Attributes:
        number: system's error number (``errno``), such as that of a closed pipe.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(error.strerror)
        self.number = error.errno


class Descriptor(io.RawIOBase):
    """A standard stream; from the first text on that cannot be written all are dropped.

    Args:
        number: file descriptor to write to; it stays open.
        when_lost: function that is called once, with the error, when a text cannot be written; it
            may raise that error.

    Attributes:
        lost: error that made the stream drop its texts; None as long as they are written.
    """

    def __init__(self, number: int, when_lost: Callable[[OutputLostError], None]) -> None:
        self.number = number
        self.when_lost = when_lost
        self.lost: OutputLostError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self.number

    def isatty(self) -> bool:
        return os.isatty(self.number)

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Write some of ``data`` and return how many bytes."""
        while self.lost is None:
            try:
                return os.write(self.number, data)
            except BlockingIOError:  # whoever gave us the stream does not want to wait; we do
                select.select([], [self.number], [])
            except OSError as error:
                self.lost = OutputLostError(error)
                self.when_lost(self.lost)
        return len(data)


@contextmanager
def steady_output(needed: bool) -> Iterator[Descriptor | None]:
    """Let ``print`` and loggers meet a closed, broken or full output only here.

    Characters that the output cannot show are written as escapes.

    Args:
        needed: whether the tool ends when its standard output is lost (see ``OutputLostError``); if
            False, it goes on. A lost standard error never ends it.

    Yields:
        The descriptor below standard output; None where standard output was replaced by something
        that is no descriptor, as in a notebook.
    """
    before = sys.stdout, sys.stderr
    # A test or a notebook that has put something else there knows what it does.
    own = before == (sys.__stdout__, sys.__stderr__)
    if not own or sys.__stdout__ is None or sys.__stderr__ is None:
        yield None
        return
    output = Descriptor(sys.__stdout__.fileno(), _give_up if needed else _go_on)
    errors = Descriptor(sys.__stderr__.fileno(), lambda _: None)  # nowhere to say it
    sys.stdout, sys.stderr = _text(output, sys.__stdout__), _text(errors, sys.__stderr__)
    try:
        yield output
    finally:
        with suppress(OutputLostError):
            sys.stdout.flush()
        sys.stdout, sys.stderr = before


def _give_up(lost: OutputLostError) -> None:
    raise lost


def _go_on(lost: OutputLostError) -> None:
    print(f'standard output is lost ({lost}); going on without it', file=sys.stderr)


def _text(descriptor: Descriptor, old: TextIO) -> TextIO:
    old.flush()
    buffer = io.BufferedWriter(descriptor)  # type: ignore[type-var]
    return io.TextIOWrapper(
        buffer,
        encoding=old.encoding,
        errors='backslashreplace',
        line_buffering=getattr(old, 'line_buffering', False),
    )
