"""The table of docs/installation.md: what `make matrix` found under each Python and torch."""

from pathlib import Path
from typing import Any

from custom_modules.base.errors import UserError
from custom_modules.base.json_file import read_json
from custom_modules.base.records import count, number, record, text

BEGIN = '<!-- matrix: made by python -m docs.generate from results/matrix -->'
END = '<!-- end of matrix -->'

_SHAPE = record(
    ('python', 'system', 'machine', 'commit', 'minutes'),
    **dict.fromkeys(('python', 'torch', 'numpy', 'system', 'machine', 'commit'), text()),
    **dict.fromkeys(('num_passed', 'num_failed'), count()),
    Dice=number(0, 1),
    minutes=number(0),
    failure=text(4000),
)


def matrix_table(folder: Path) -> str:
    """Return the table in Markdown, a row per file of ``folder``, by Python and torch.

    Raises:
        UserError: a file cannot be read or is of no matrix.
    """
    rows = [_read(path) for path in sorted(folder.glob('*.json'))]
    rows.sort(key=lambda row: (_number(row['python']), _number(row.get('torch') or '')))
    lines = [
        '| Python | torch | NumPy | Dice of the sample | unit tests |',
        '|---|---|---|---|---|',
    ]
    return '\n'.join([*lines, *map(_line, rows)])


def _read(path: Path) -> dict[str, Any]:
    row = read_json(path)
    try:
        _SHAPE(row, '')
    except ValueError as error:
        raise UserError(f'{path}: is of no matrix, {error}; run make matrix again') from None
    return row


def _number(version: str) -> list[int]:
    """Return a version as numbers, by which 3.9 is before 3.10."""
    return [int(part) for part in version.partition('+')[0].split('.') if part.isdecimal()]


def _line(row: dict[str, Any]) -> str:
    tests = f'{row.get("num_passed", 0)} passed'
    if row.get('num_failed'):
        tests += f', {row["num_failed"]} failed'
    if 'failure' in row:
        tests += f'; {row["failure"]}'
    dice = f'{row["Dice"]:.4f}' if 'Dice' in row else ''
    cells = [row['python'], row.get('torch') or '', row.get('numpy', ''), dice, tests]
    return f'| {" | ".join(cell.replace("|", "/") for cell in cells)} |'
