"""``per_image.csv``: a row per image of a test."""

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..base.csv_cells import as_cell, from_cell
from ..base.errors import UserError
from ..base.json_file import MAX_INTEGER, read_text
from ..base.shell import shell_command
from ..base.whole_file import whole_file
from ..evaluation.boundary import BoundaryCounts
from ..evaluation.confusion import Confusion, dice
from ..evaluation.metric_table import METRIC_TABLE

#: Columns that are always there. Those of groups stand between the first and the second.
COLUMNS = ('id', 'tp', 'fp', 'fn', 'tn', 'dice')

#: A test of a million images has a table of this size.
MAX_BYTES = 128 << 20

#: Columns of scores from 0 to 1, and of whole numbers. In others, of metrics of one's own, is any
#: finite number, or nothing.
_SCORES = ('dice', *(info.column for info in METRIC_TABLE.values() if info.column))
_COUNTS = (*Confusion._fields, *BoundaryCounts._fields, 'touches_frame')


def write_rows(path: Path, rows: Sequence[dict]) -> None:
    """Write ``COLUMNS``, a column for each of ``groups``, and whatever else the rows hold."""
    groups = dict.fromkeys(key for row in rows for key in row.get('groups', {}))
    first, *others = COLUMNS
    more = [name for name in (rows[0] if rows else ()) if name not in (*COLUMNS, 'groups')]
    with whole_file(path, newline='') as file:
        writer = csv.DictWriter(file, [first, *groups, *others, *more])
        writer.writeheader()
        for row in rows:
            own = {key: row.get('groups', {}).get(key, '') for key in groups}
            texts = {name: as_cell(text) for name, text in ({first: row[first]} | own).items()}
            numbers = {name: row[name] for name in (*others, *more)}
            numbers |= {name: '' for name, value in numbers.items() if math.isnan(value)}
            writer.writerow(texts | numbers)


def read_rows(path: Path) -> list[dict]:
    """Return the rows: texts, scores as floats, counts as whole numbers, others as they are.

    An empty cell of a metric of one's own is nan.

    The columns between ``id`` and ``tp`` are texts, and come as ``groups``.

    Raises:
        UserError: the file is missing, empty, or not that of a test: a column is missing or there
            twice, a count is negative or beyond what is exact, a score is not from 0 to 1 or not
            that of its counts, or an image comes twice.
    """
    if not path.is_file():
        raise UserError(
            f'{path.parent}: has no {path.name}; make it with '
            + shell_command('test', 'CONFIG', 'CHECKPOINT', '--out', path.parent)
        )
    try:
        rows = _rows(read_text(path, MAX_BYTES))
    except (ValueError, csv.Error) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f'{path}: no table of tools/test.py ({error}); test again') from None
    if not rows:
        raise UserError(f'{path}: has no images in it; test again')
    return rows


def _rows(text: str) -> list[dict]:
    reader = csv.reader(io.StringIO(text, newline=''), strict=True)
    header = next(reader, [])
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise ValueError(f'the column {missing[0]!r} is missing')
    if len({*header}) < len(header) or '' in header:
        raise ValueError('a column has no name, or that of another')
    groups = header[1 : header.index(COLUMNS[1])]
    if header[0] != COLUMNS[0] or {*groups} & {*COLUMNS, *_SCORES}:
        raise ValueError('the columns stand in another order')
    rows, seen = [], set()
    for cells in reader:
        if len(cells) != len(header):
            raise ValueError(f'line {reader.line_num} has {len(cells)} cells, not {len(header)}')
        try:
            texts = {COLUMNS[0], *groups}
            row: dict[str, Any] = {
                name: _text(name, cell) if name in texts else _number(name, cell)
                for name, cell in zip(header, cells, strict=True)
            }
            row['groups'] = {name: row.pop(name) for name in groups}
            _check(row)
        except ValueError as error:
            raise ValueError(f'line {reader.line_num}: {error}') from None
        if row['id'] in seen:
            raise ValueError(f'the image {row["id"]!r:.60} comes twice')
        seen.add(row['id'])
        rows.append(row)
    return rows


def _text(name: str, cell: str) -> str:
    if len(cell) > 1000 or not cell.isprintable():
        raise ValueError(f'{name:.40} is no line of text')
    return from_cell(cell)


def _number(name: str, cell: str) -> float | int:
    if name in _SCORES:
        score = float(cell)
        if not 0 <= score <= 1:
            raise ValueError(f'{name} is {cell[:40]!r}, not a number from 0 to 1')
        return score
    if name not in _COUNTS:
        if not cell:
            return math.nan
        value = int(cell) if cell.isascii() and cell.isdecimal() and len(cell) < 16 else float(cell)
        if not math.isfinite(value):
            raise ValueError(f'{name:.40} is {cell[:40]!r}, not a finite number')
        return value
    if not (cell.isascii() and cell.isdecimal() and len(cell) < 17 and int(cell) <= MAX_INTEGER):
        raise ValueError(f'{name} is {cell[:40]!r}, not a whole number from 0 to {MAX_INTEGER:,}')
    return int(cell)


def _check(row: dict) -> None:
    parts = Path(row['id']).parts
    if not parts or '..' in parts or row['id'].startswith('/'):
        raise ValueError(f'{row["id"]!r:.60} is no name of an image')
    counted = float(dice(row['tp'], row['fp'], row['fn']))
    if not math.isclose(row['dice'], counted, abs_tol=1e-6):
        raise ValueError(f'dice is {row["dice"]:.6g}, that of its counts is {counted:.6g}')
