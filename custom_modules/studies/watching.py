"""What a sweep shows while it runs: what each cell does, and when all will be done."""

import sys
import threading
import time
from collections.abc import Sequence

from rich.console import Console
from rich.live import Live
from rich.table import Table

from ..errors import UserError
from ..evaluation.scored_run import read_metrics
from ..progress import format_seconds
from ..visualization.curves import Run, read_epochs
from .cells import Cell
from .running import DONE, FAILED, STOPPED, TESTING, TRAINING, WAITING, Progress

#: Seconds between two looks at the runs.
_PERIOD = 2.0

_STYLES = {DONE: 'green', FAILED: 'red', STOPPED: 'yellow', WAITING: 'dim'}


def watch(
    cells: Sequence[Cell],
    progress: Sequence[Progress],
    jobs: int,
    workers: Sequence[threading.Thread],
) -> None:
    """Show the cells while the workers live: a table on a terminal, lines elsewhere.

    Args:
        cells: of the sweep.
        progress: of each cell.
        jobs: cells that run at a time.
        workers: the threads that run them.
    """
    view = SweepView(cells, progress, jobs)
    if sys.stdout.isatty():
        with Live(view.table(), console=Console(), auto_refresh=False) as live:
            while _alive(workers):
                live.update(view.table(), refresh=True)
            live.update(view.table(), refresh=True)
    else:
        while _alive(workers):
            view.print_changes()
        view.print_changes()


def _alive(workers: Sequence[threading.Thread]) -> bool:
    """Wait a little for the workers; return whether one still runs."""
    end = time.monotonic() + _PERIOD
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))
    return any(worker.is_alive() for worker in workers)


class SweepView:
    """A sweep as it is now.

    Args:
        cells: of the sweep.
        progress: of each cell, changed by those who run them.
        jobs: cells that run at a time.
    """

    def __init__(self, cells: Sequence[Cell], progress: Sequence[Progress], jobs: int) -> None:
        self.cells = cells
        self.progress = progress
        self.jobs = jobs
        self.started = time.monotonic()
        self.first = sum(self._epochs(cell) for cell in cells)
        self.shown = [WAITING] * len(cells)

    def table(self) -> Table:
        """Return the cells as a table."""
        table = Table(title=self._title(), title_justify='left')
        for name in ('study', 'cell', 'state', 'epochs', 'Dice'):
            table.add_column(name, overflow='fold')
        for cell, one in zip(self.cells, self.progress, strict=True):
            style = _STYLES.get(one.state, 'bold')
            done = f'{self._epochs(cell)} of {cell.epochs}'
            table.add_row(cell.study, cell.name, one.state, done, _dice(cell), style=style)
        return table

    def print_changes(self) -> None:
        """Print a line for each cell whose state is another than at the last call."""
        for index, (cell, one) in enumerate(zip(self.cells, self.progress, strict=True)):
            state, note = one.state, one.note
            if state != self.shown[index]:
                self.shown[index] = state
                score = f'  {_dice(cell)}' if state in (TESTING, DONE) else ''
                reason = f': {note}' if note else ''
                line = f'{cell.study}/{cell.name}: {state}{reason}{score}'
                print(f'{line}  ({self._title()})', flush=True)

    def _title(self) -> str:
        ended = sum(one.state in (DONE, FAILED, STOPPED) for one in self.progress)
        title = f'{ended} of {len(self.cells)} cells'
        left = self._seconds_left()
        return title if left is None else f'{title}, {format_seconds(left)} left'

    def _seconds_left(self) -> float | None:
        """Return the time for all epochs that are missing, at the pace of this sweep so far."""
        done = sum(self._epochs(cell) for cell in self.cells) - self.first
        if done <= 0:
            return None
        missing = sum(
            max(0, cell.epochs - self._epochs(cell))
            for cell, one in zip(self.cells, self.progress, strict=True)
            if one.state in (WAITING, TRAINING)
        )
        return (time.monotonic() - self.started) / done * missing

    @staticmethod
    def _epochs(cell: Cell) -> int:
        run = _curve(cell)
        return max(run.epochs) if run else 0


def _curve(cell: Cell) -> Run | None:
    folder = cell.run()
    if folder is None:
        return None
    try:
        return Run(cell.name, read_epochs(folder))
    except UserError:  # no whole epoch yet
        return None


def _dice(cell: Cell) -> str:
    """Return the test's Dice, or the best of the validation so far."""
    results = cell.results()
    if results is not None:
        return f'{read_metrics(results / "metrics.json")["Dice"]:.4f}'
    run = _curve(cell)
    best = run.best_epoch() if run else None
    if run is None or best is None:
        return ''
    return f'valid {run.epochs[best]["valid/dice"]:.4f}'
