"""What ``tools/test.py`` wrote about a run, and the config it was made with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..base.json_file import write_json
from ..base.shell import shell_command
from ..config.written import read_named, read_written
from .cross_validation import OUT_OF_FOLD
from .metrics_json import PROTOCOL, read_metrics
from .named_runs import named_folders
from .per_image_csv import read_rows, write_rows


@dataclass(frozen=True)
class ScoredRun:
    """The results of one test.

    Attributes:
        label: label of the run.
        folder: folder with ``metrics.json`` and ``per_image.csv``.
        metrics: metrics of the test with their protocol, as ``metrics.json`` holds them.
        rows: rows of ``per_image.csv``, by the image's id; empty where only the metrics were kept.
    """

    label: str
    folder: Path
    metrics: dict[str, Any]
    rows: dict[str, dict]

    def config(self) -> dict[str, Any]:
        """Return the merged config: beside the results, of the run, or the one they name.

        It is read as data, and only one of this project is found by its name.

        Raises:
            UserError: there is no config any more, or it cannot be read without executing it.
        """
        for folder in (self.folder, self.folder.parent):
            if (values := read_written(folder)) is not None:
                return values
        if (values := read_named(str(self.metrics.get('config', '')))) is not None:
            return values
        raise UserError(f'{self.folder}: its config is not there any more')


def results_folder(run: Path) -> Path | None:
    """Return where the results of a run are: in ``test`` below it, or beside its checkpoint.

    Those of a cross-validation are in ``out_of_fold``.
    """
    folders = (run / 'test', run / OUT_OF_FOLD, run)
    return next((folder for folder in folders if (folder / 'metrics.json').is_file()), None)


def find_scored(arguments: Sequence[str]) -> list[ScoredRun]:
    """Read the tested runs that the command line names; see ``named_folders``.

    Raises:
        UserError: a run is missing or was not tested, or its results cannot be read.
    """
    return [read_scored(label, folder) for label, folder in named_folders(arguments)]


def read_scored(label: str, run: Path) -> ScoredRun:
    """Read the results of one run.

    Raises:
        UserError: the run was not tested, or its results cannot be read.
    """
    folder = results_folder(run)
    if folder is None:
        raise UserError(
            f'{run}: has no metrics.json, nor has {run / "test"}; make it with '
            + shell_command('test', 'CONFIG', run / 'best.pth', '--out', run / 'test')
        )
    metrics = read_metrics(folder / 'metrics.json')
    rows = {row['id']: row for row in read_rows(folder / 'per_image.csv')}
    return ScoredRun(label, folder, metrics, rows)


def write_results(folder: Path, metrics: Mapping[str, Any], rows: Sequence[dict]) -> None:
    """Write ``per_image.csv`` into ``folder``, and ``metrics.json``, which says that it is done."""
    write_rows(folder / 'per_image.csv', rows)
    write_json(folder / 'metrics.json', metrics)


def check_comparable(first: ScoredRun, second: ScoredRun) -> None:
    """Make sure that two runs were scored on the same pixels.

    Raises:
        UserError: images, split, border, resolution or ground truth differ.
    """
    pair = f'{first.label} and {second.label}'
    for key in PROTOCOL:
        old, new = first.metrics[key], second.metrics[key]
        if old != new:
            raise UserError(
                f'{pair} cannot be compared: {key} is {old!r} and {new!r}; test both alike, with '
                f'--cfg-options {key}=...'
            )
    different = sorted(first.rows.keys() ^ second.rows.keys())
    if different:
        raise UserError(
            f'{pair} were tested on different images ({len(different):,} in one of them only, such '
            f'as {different[0]}); test both on one split'
        )
    for name, row in first.rows.items():
        other = second.rows[name]
        if row['tp'] + row['fn'] != other['tp'] + other['fn']:
            raise UserError(
                f'{pair} were tested on different masks: the foreground of {name} has '
                f'{row["tp"] + row["fn"]:,} and {other["tp"] + other["fn"]:,} pixels; '
                'test both on one data set'
            )
