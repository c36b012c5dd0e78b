"""The table of a data set: a CSV file with image, mask, split and group of each pair."""

import csv
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path, PurePosixPath

from ..base.csv_cells import as_cell, from_cell
from ..base.errors import UserError, did_you_mean
from ..base.whole_file import whole_file
from .list_file import read_lines
from .splits import SPLITS


@dataclass(frozen=True)
class PairRow:
    """A row of the table.

    Attributes:
        image: image file below the folder of the images, with '/' between folders.
        mask: mask file below the folder of the masks, written in the same way.
        split: 'train', 'val' or 'test'.
        group: what the image shows together with others (patient, scene, video), which are all in
            one split; empty where it stands for itself.
    """

    image: str
    mask: str
    split: str
    group: str = ''


COLUMNS = tuple(field.name for field in fields(PairRow))


def write_pairs_table(path: Path, rows: Iterable[PairRow]) -> None:
    """Write the rows in the order of their images: the same bytes for the same rows.

    Raises:
        UserError: the file cannot be written.
    """
    with whole_file(path, newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(COLUMNS)
        for row in sorted(rows, key=lambda row: row.image):
            writer.writerow([as_cell(text) for text in astuple(row)])


def read_pairs_table(path: Path) -> list[PairRow]:
    """Return the rows of a table; each is held against the rules, whichever split is wanted.

    Raises:
        UserError: the file cannot be read or has no rows, or a line is not of the table's form,
            names an unknown split, a path that leaves the folder or an image that was there
            before, or has its group in another split. The message names the line.
    """
    remedy = 'Make it with tools/prepare_data.py --from FOLDER'
    reader = csv.reader(read_lines(path, remedy), strict=True)
    rows: list[PairRow] = []
    images: dict[str, int] = {}
    splits: dict[str, PairRow] = {}
    try:
        header = next(reader, [])
        if tuple(header) not in (COLUMNS, COLUMNS[:3]):
            raise UserError(
                f'{path}: line 1 is {",".join(header)[:80]!r}; it has to be {",".join(COLUMNS)!r}'
            )
        for cells in reader:
            where = f'{path}: line {reader.line_num}'
            if not cells:
                continue
            if len(cells) != len(header):
                raise UserError(f'{where}: {len(cells)} cells instead of {len(header)}')
            row = PairRow(*map(from_cell, cells))
            _check(row, where)
            name = str(PurePosixPath(row.image))  # './' says nothing
            if name in images:
                raise UserError(
                    f'{where}: {name!r} is in line {images[name]} too; remove one of them'
                )
            images[name] = reader.line_num
            other = splits.setdefault(row.group, row) if row.group else row
            if other.split != row.split:
                raise UserError(
                    f'{where}: {row.image!r} is in {row.split}, but {other.image!r} of its group '
                    f'{row.group!r} in {other.split}; a group belongs into one split'
                )
            rows.append(row)
    except csv.Error as error:
        raise UserError(f'{path}: line {reader.line_num}: no CSV ({error})') from None
    if not rows:
        raise UserError(f'{path}: names no image; {remedy[0].lower()}{remedy[1:]}')
    return rows


def _check(row: PairRow, where: str) -> None:
    if row.split not in SPLITS:
        raise UserError(
            f'{where}: the split {row.split[:40]!r} is not allowed; use one of {", ".join(SPLITS)}'
            f'{did_you_mean(row.split[:40], SPLITS)}'
        )
    for column in ('image', 'mask'):
        text = getattr(row, column)
        path = PurePosixPath(text)
        drive = ':' in text[:2] or '\\' in text
        if not text.strip() or '\0' in text or path.is_absolute() or '..' in path.parts or drive:
            raise UserError(
                f'{where}: the {column} {text[:80]!r} is no path below the folder; write it with '
                "'/' between folders, without '..', a drive or a leading '/'"
            )
