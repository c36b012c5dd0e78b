"""``per_image.csv``: a row per image of a test."""

import csv
from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from ..whole_file import whole_file

#: Columns that are always there.
COLUMNS = ('id', 'species', 'breed', 'tp', 'fp', 'fn', 'tn', 'dice')

_TEXTS = ('id', 'species', 'breed')
_SCORES = ('dice', 'iou_boundary', 'dice_surface')


def write_rows(path: Path, rows: Sequence[dict]) -> None:
    """Write the columns ``COLUMNS`` and whatever else the rows hold."""
    more = [name for name in (rows[0] if rows else ()) if name not in COLUMNS]
    with whole_file(path, newline='') as file:
        writer = csv.DictWriter(file, [*COLUMNS, *more])
        writer.writeheader()
        writer.writerows(rows)


def read_rows(path: Path) -> list[dict]:
    """Return the rows: texts, scores as floats, everything else as integers.

    Raises:
        UserError: the file is missing, not of a test, or empty.
    """
    if not path.is_file():
        raise UserError(
            f'{path.parent}: has no {path.name}; make it with '
            f'python tools/test.py CONFIG CHECKPOINT --out {path.parent}'
        )
    try:
        with open(path, newline='', encoding='utf-8') as file:
            rows = [
                {name: _value(name, row[name]) for name in dict.fromkeys((*COLUMNS, *row))}
                for row in csv.DictReader(file)
            ]
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f'{path}: no table of tools/test.py ({error}); test again') from None
    if not rows:
        raise UserError(f'{path}: has no images in it; test again')
    return rows


def _value(name: str, text: str) -> str | float | int:
    if name in _TEXTS:
        return text
    return float(text) if name in _SCORES else int(text)
