"""What a sweep shows while it runs: what each experiment does, and when all will be done."""

import sys
import time
from collections.abc import Callable, Sequence
from itertools import zip_longest

from rich.console import Console
from rich.live import Live
from rich.table import Table

from ..base.progress import format_seconds
from ..runs.metrics_json import read_metrics
from ..visualization.curves import Run
from .experiments import Experiment
from .running import DONE, FAILED, PRUNED, STOPPED, TESTING, TRAINING, WAITING, Progress

#: Seconds between two looks at the runs, and at whether they are over.
_PERIOD, _SHORT_PERIOD = 2.0, 0.2

_STYLES = {DONE: 'green', FAILED: 'red', STOPPED: 'yellow', PRUNED: 'cyan', WAITING: 'dim'}

#: States that an experiment does not leave in this sweep.
_ENDED = (DONE, FAILED, STOPPED, PRUNED)


def watch(progress: Sequence[Progress], go_on: Callable[[], bool]) -> None:
    """Show experiments as long as ``go_on()``: a table on a terminal, lines elsewhere.

    Args:
        progress: experiments to show; there may become more of them.
        go_on: function that says whether to go on; asked several times a second.
    """
    view = SweepView(progress)
    if sys.stdout.isatty():
        with Live(view.table(), console=Console(), auto_refresh=False) as live:
            while _go_on_for_a_while(go_on):
                live.update(view.table(), refresh=True)
            live.update(view.table(), refresh=True)
    else:
        while _go_on_for_a_while(go_on):
            view.print_changes()
        view.print_changes()


def _go_on_for_a_while(go_on: Callable[[], bool]) -> bool:
    """Wait a little, no longer than until the end; return whether it goes on."""
    end = time.monotonic() + _PERIOD
    while going := go_on():
        if time.monotonic() > end:
            break
        time.sleep(_SHORT_PERIOD)
    return going


class SweepView:
    """A sweep as it is now.

    Args:
        progress: experiments to show; those who run them change their states.
    """

    def __init__(self, progress: Sequence[Progress]) -> None:
        self.progress = progress
        self.started = time.monotonic()
        self.done_before = [_done(one.experiment) for one in progress]
        self.shown: list[str] = []

    def table(self) -> Table:
        """Return the experiments as a table."""
        table = Table(title=self._title(), title_justify='left')
        for name in ('study', 'experiment', 'state', 'done', 'Dice'):
            table.add_column(name, overflow='fold')
        for one in list(self.progress):
            experiment, style = one.experiment, _STYLES.get(one.state, 'bold')
            done = f'{_done(experiment)} of {experiment.total} {experiment.unit}s'
            table.add_row(
                experiment.study, experiment.name, one.state, done, _dice(experiment), style=style
            )
        return table

    def print_changes(self) -> None:
        """Print a line for each experiment whose state is another than at the last call."""
        for index, one in enumerate(list(self.progress)):
            experiment, state, note = one.experiment, one.state, one.note
            if index == len(self.shown):
                self.shown.append(WAITING)
            if state != self.shown[index]:
                self.shown[index] = state
                score = f'  {_dice(experiment)}' if state in (TESTING, DONE) else ''
                reason = f': {note}' if note else ''
                line = f'{experiment.study}/{experiment.name}: {state}{reason}{score}'
                print(f'{line}  ({self._title()})', flush=True)

    def _title(self) -> str:
        ended = sum(one.state in _ENDED for one in self.progress)
        title = f'{ended} of {len(self.progress)} experiments'
        left = self._seconds_left()
        return title if left is None else f'{title}, {format_seconds(left)} left'

    def _seconds_left(self) -> float | None:
        """Return the time for all that is missing, at the pace of this sweep so far."""
        known = list(self.progress)
        # Epochs and steps cannot be added: then each training counts as one.
        alike = len({one.experiment.unit for one in known}) == 1
        sizes = [1 if alike else 1 / one.experiment.total for one in known]
        done = [_done(one.experiment) for one in known]
        new = [count - before for count, before in zip_longest(done, self.done_before, fillvalue=0)]
        taken = sum(count * size for count, size in zip(new, sizes, strict=True))
        if taken <= 0:
            return None
        missing = sum(
            max(0, one.experiment.total - count) * size
            for one, count, size in zip(known, done, sizes, strict=True)
            if one.state in (WAITING, TRAINING)
        )
        return (time.monotonic() - self.started) / taken * missing


def _done(experiment: Experiment) -> int:
    """Return the number of whole epochs, or of steps up to the last validation."""
    return max(experiment.epochs_so_far(), default=0)


def _curve(experiment: Experiment) -> Run | None:
    epochs = experiment.epochs_so_far()
    return Run(experiment.name, epochs) if epochs else None


def _dice(experiment: Experiment) -> str:
    """Return the test's Dice, or the best of the validation so far."""
    results = experiment.results()
    if results is not None:
        return f'{read_metrics(results / "metrics.json")["Dice"]:.4f}'
    run = _curve(experiment)
    best = run.best_epoch() if run else None
    if run is None or best is None:
        return ''
    return f'valid {run.epochs[best]["valid/dice"]:.4f}'
