"""One progress display for everything that takes long.

A bar on a terminal, one line that changes in a notebook, lines in a log file.
"""

import sys
import time
from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

#: Seconds between two lines where the output is no terminal.
LINE_EVERY = 30.0

#: Seconds between two changes of the line in a notebook.
CHANGE_EVERY = 0.5


def format_seconds(seconds: float) -> str:
    """Return ``h:mm:ss``."""
    minutes, rest = divmod(round(seconds), 60)
    return f'{minutes // 60}:{minutes % 60:02}:{rest:02}'


def in_notebook() -> bool:
    """Say whether the output is that of a cell, of Jupyter or Colab.

    IPython is there before anybody else then, so it is never imported here.
    """
    shell = sys.modules.get('IPython')
    return shell is not None and hasattr(shell.get_ipython(), 'kernel')


class ProgressBar:
    """A context that shows how much of ``total`` is done, with the time that remains.

    Args:
        title: name of the work, shown in front of the bar.
        total: number of steps of the whole work.
        done: number of steps that are done already.
        visible: whether anything is shown; False on ranks other than 0.
    """

    def __init__(self, title: str, total: int, done: int = 0, visible: bool = True) -> None:
        self.title = title
        self.total = total
        self.done = done
        self.first = done
        self.visible = visible
        self.on_terminal = sys.stdout.isatty()
        self.started = self.last_line = time.monotonic()
        self.progress: Progress | None = None
        self.in_notebook = in_notebook()
        self.width = 0
        if visible and self.on_terminal:
            self.progress = Progress(
                TextColumn('{task.description}'),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn('left'),
                TimeRemainingColumn(),
                TextColumn('{task.fields[note]}'),
                console=Console(),
                transient=True,
            )
            self.task = self.progress.add_task(title, total=total, completed=done, note='')

    def __enter__(self) -> 'ProgressBar':
        if self.progress:
            self.progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.progress:
            self.progress.stop()
        elif self.width:
            print(f'\r{"":{self.width}}\r', end='', flush=True)  # as the bar of a terminal goes

    def advance(self, note: str = '') -> None:
        """Count one step more as done; ``note`` is shown behind the bar."""
        self.set(self.done + 1, self.total, note)

    def set(self, done: int, total: int, note: str = '') -> None:
        """Show that ``done`` of ``total`` steps are done."""
        self.done, self.total = done, total
        if self.progress:
            self.progress.update(self.task, completed=done, total=total, note=note)
        elif self.visible and time.monotonic() - self.last_line >= (
            CHANGE_EVERY if self.in_notebook else LINE_EVERY
        ):
            self.last_line = time.monotonic()
            pace = (self.last_line - self.started) / max(1, self.done - self.first)
            left = format_seconds(pace * (self.total - self.done))
            text = f'{self.title}  {self.done}/{self.total}  {left} left  {note}'.rstrip()
            if self.in_notebook:  # a cell's output knows a carriage return
                self.width = max(self.width, len(text))
                print(f'\r{text:{self.width}}', end='', flush=True)
            else:
                print(text, flush=True)
