"""What ScalarsHook wrote into a run's folder, read back."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..base.errors import UserError
from ..base.json_file import parse_json, read_json, read_text, write_json
from ..base.records import count
from ..base.records import record as record_of
from ..evaluation.metric_table import MetricInfo
from ..evaluation.own_metrics import as_data, from_data

#: Of the scalars: a line for each ten steps of ten million.
MAX_BYTES = 256 << 20


#: In a run's folder: what is known of metrics that are not in the project's table.
OWN_METRICS = 'own_metrics.json'

_NUMBERS = record_of(epoch=count(), iter=count(), step=count())


def read_epochs(run: Path) -> dict[int, dict[str, float]]:
    """Return the metrics of each whole epoch from ``vis_data/scalars.json``, by their numbers.

    Of a training that is counted in steps they are those of each interval, by the last step of it
    (``unit_of`` tells).

    A run that was killed goes on from its last checkpoint, which may be some epochs back: what an
    epoch's number is written for again counts, and what came after it before does not.

    Args:
        run: folder of the run.

    Raises:
        UserError: the folder has no ``vis_data/scalars.json``, or that has no whole epoch, or a
            line that is not a record.
    """
    epochs: dict[int, dict[str, float]] = {}
    for record in _records(run):
        if 'train/loss' in record and {'epoch', 'iter'} & record.keys():
            _put(epochs, record, 'epoch' if 'epoch' in record else 'iter')
    if not epochs:
        raise UserError(
            f'{_scalars_file(run)}: has no whole epoch yet; wait for the first one, or train again '
            'if the run was made before ScalarsHook'
        )
    return epochs


def unit_of(epochs: Mapping[int, Mapping[str, float]]) -> str:
    """Return what the numbers of ``read_epochs`` count: 'epoch' or 'step'."""
    return 'step' if epochs and all('epoch' not in row for row in epochs.values()) else 'epoch'


def read_steps(run: Path) -> dict[int, dict[str, float]]:
    """Return the metrics of the steps that ScalarsHook wrote, ``step/learning_rate`` and so on.

    Args:
        run: folder of the run.

    Raises:
        UserError: the folder has no ``vis_data/scalars.json``, or that has a line that is not a
            record.
    """
    steps: dict[int, dict[str, float]] = {}
    for record in _records(run):
        if 'iter' in record and 'step/loss' in record:
            _put(steps, record, 'iter')
    return steps


def save_own_metrics(run: Path, own: Mapping[str, MetricInfo]) -> None:
    """Note in a run's folder what is known of metrics of one's own."""
    write_json(run / OWN_METRICS, as_data(own))


def read_own_metrics(run: Path) -> dict[str, MetricInfo]:
    """Return what ``save_own_metrics`` noted; nothing where it did not.

    Raises:
        UserError: the file cannot be read or holds something else.
    """
    path = run / OWN_METRICS
    if not path.is_file():
        return {}
    values = read_json(path)
    try:
        return from_data(values)
    except UserError as error:
        raise UserError(f'{path}: cannot be read ({error}); remove it') from None


def _put(rows: dict[int, dict[str, float]], record: dict[str, float], key: str) -> None:
    """Let a record follow those whose number is smaller; larger ones were before a restart."""
    number = int(record[key])
    while rows and next(reversed(rows)) >= number:
        rows.popitem()
    rows[number] = record


def _scalars_file(run: Path) -> Path:
    return run / 'vis_data' / 'scalars.json'


def _records(run: Path) -> Iterator[dict[str, float]]:
    path = _scalars_file(run)
    if not path.exists():
        raise UserError(
            f"{run}: has no vis_data/scalars.json; give a run's folder "
            "(its config needs dict(type='LocalVisBackend') among the vis_backends)"
        )
    lines = read_text(path, MAX_BYTES, errors='replace').splitlines()
    for number, line in enumerate(lines, start=1):
        # Records are flat, so the last brace begins the last one: a run that was cut off while
        # writing goes on on the line it left torn.
        start = line.rfind('{')
        try:
            record = parse_json(line[max(start, 0) :], allow_nan=True)
            _check_record(record)
        except ValueError as error:
            if number == len(lines):
                break
            raise UserError(
                f'{path}, line {number}: {line[:60]!r} is not a record ({error}); remove the line'
            ) from None
        # A loss that was not finite is a gap in the curve.
        yield {name: value if math.isfinite(value) else math.nan for name, value in record.items()}


def _check_record(record: Any) -> None:
    _NUMBERS(record, '')
    for name, value in record.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f'{name:.40} is no number')
