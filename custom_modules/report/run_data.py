"""All that the files of a run tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmengine.config import Config

from ..base.errors import UserError
from ..base.paths import short_path, workspace
from ..base.shell import shell_command
from ..evaluation.from_rows import metrics_from_rows
from ..evaluation.own_metrics import own_of
from ..runs.metrics_json import read_metrics
from ..runs.scalars import read_epochs, read_own_metrics, read_steps, unit_of
from ..runs.scored_run import ScoredRun, read_scored, results_folder
from ..visualization.curves import Run


@dataclass(frozen=True)
class ReportedRun:
    """A run, as far as its files are there.

    Attributes:
        label: name of the run on the page.
        folder: folder of the run or of its results.
        curves: metrics of its epochs; without any where it left no scalars.
        steps: number of a step -> metrics of that step.
        scored: results of its test, or None.
        notes: lines that say what is missing, and why.
    """

    label: str
    folder: Path
    curves: Run
    steps: Mapping[int, Mapping[str, float]]
    scored: ScoredRun | None
    notes: list[str] = field(default_factory=list)

    def config_text(self) -> str:
        """Return the config with everything merged; '' where it is not there any more."""
        own = self.folder / 'config.py'
        if own.is_file():
            return own.read_text(encoding='utf-8', errors='replace')
        try:
            if not self.scored:
                return ''
            return Config(self.scored.config(), format_python_code=False).pretty_text
        except UserError as error:
            self.notes.append(f'The config is not shown: {error}.')
            return ''

    def commands(self) -> list[str]:
        """Return what repeats the run and its test."""
        config = short_path(self.folder / 'config.py')
        if not (self.folder / 'config.py').is_file():
            config = str(self.scored.metrics.get('config', '')) if self.scored else ''
        if not config:
            return []
        if self.scored and (folds := self.scored.metrics.get('folds')):
            above = self.scored.folder.parent / 'config.py'
            whole = short_path(above) if above.is_file() else config
            return [shell_command('sweep', whole, '--folds', folds)]
        lines = [shell_command('train', config)]
        if self.scored:
            own = self.scored.folder / 'config.py'  # a test may have changed the run's config
            tested = short_path(own) if own.is_file() else config
            checkpoint = self.scored.metrics.get('checkpoint', 'best.pth')
            words = [tested, checkpoint, '--out', short_path(self.scored.folder)]
            if tta := self.scored.metrics.get('tta'):
                words += ['--tta', *tta['scales']]
            lines.append(shell_command('test', *words))
        return lines


def read_run(label: str, folder: Path) -> ReportedRun:
    """Read a run's folder, or an ``--out`` of a test, whose training is found if it is there.

    Raises:
        UserError: the folder holds neither scalars nor results, or they are damaged.
    """
    scored = read_scored(label, folder) if results_folder(folder) else None
    if scored and 'breakdowns' not in scored.metrics:  # a test of before
        scored.metrics.update(
            metrics_from_rows(list(scored.rows.values()), own_of([scored.metrics]).values())
        )
    trained = folder
    if scored and not (folder / 'vis_data').is_dir():
        checkpoint = Path(str(scored.metrics.get('checkpoint', '')))
        trained = (workspace() / checkpoint).parent
        trained = trained if (trained / 'vis_data').is_dir() else folder
    notes = []
    epochs: dict[int, dict[str, float]] = {}
    steps: dict[int, dict[str, float]] = {}
    own = own_of([scored.metrics]) if scored else {}
    try:
        steps = read_steps(trained)
        epochs = read_epochs(trained)
        own = read_own_metrics(trained) | own
    except UserError as error:
        if scored is None:
            raise
        notes.append(f'No curves: {error}.')
    if scored is None:
        config, best, test = (
            short_path(folder / name) for name in ('config.py', 'best.pth', 'test')
        )
        notes.append(f'Not tested yet: {shell_command("test", config, best, "--out", test)}')
    return ReportedRun(
        label, trained, Run(label, epochs, own, unit_of(epochs)), steps, scored, notes
    )


def read_kept(path: Path) -> ReportedRun:
    """Read a ``metrics.json`` that was kept alone, under any name.

    Raises:
        UserError: the file cannot be read or does not hold the metrics of a test.
    """
    scored = ScoredRun(path.stem, path.parent, read_metrics(path), {})
    note = 'Only the metrics of this run were kept: no curves, no single images.'
    return ReportedRun(path.stem, path.parent, Run(path.stem, {}), {}, scored, [note])
