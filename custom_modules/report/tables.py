"""Tables for a hand-in: as Markdown, CSV and LaTeX."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..base.csv_cells import as_cell, as_line, as_markdown_cell


@dataclass(frozen=True)
class Number:
    """A number of a table.

    Args:
        value: number in the cell.
        low: lower end of its interval; None where it has none.
        high: upper end of its interval; None where it has none.
        form: format specification of Python, such as '.4f', '+.4f' or ',.0f'.
    """

    value: float
    low: float | None = None
    high: float | None = None
    form: str = '.4f'

    def texts(self) -> list[str]:
        """Return the value and, where there is an interval, its ends."""
        numbers = (self.value, self.low, self.high)
        return [format(number, self.form) for number in numbers if number is not None]

    def __str__(self) -> str:
        value, *ends = self.texts()
        return f'{value} ({" to ".join(ends)})' if ends else value


#: A cell; '' is an empty one.
Cell = Number | str


@dataclass(frozen=True)
class Table:
    """A table under the name of its files.

    Attributes:
        name: name of the table's files, without suffix.
        title: title that says what the table shows.
        header: titles of the columns.
        rows: cells of each row, as many as there are columns.
        notes: sentences about the table, such as the protocol of its metrics.
    """

    name: str
    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    notes: Sequence[str] = ()

    def columns(self) -> list[list[Cell]]:
        return [list(column) for column in zip(*self.rows, strict=True)]


def as_csv(table: Table) -> str:
    """Return a table as CSV; an interval has two columns, texts are no formulas."""
    bounded = [
        any(isinstance(cell, Number) and cell.low is not None for cell in column)
        for column in table.columns()
    ]
    stream = io.StringIO(newline='')
    writer = csv.writer(stream, lineterminator='\n')
    header: list[str] = []
    for name, wide in zip(table.header, bounded, strict=True):
        header += [as_cell(name)] + [as_cell(f'{name}, {end}') for end in ('low', 'high') if wide]
    writer.writerow(header)
    for row in table.rows:
        cells: list[str] = []
        for cell, wide in zip(row, bounded, strict=True):
            if isinstance(cell, Number):
                texts = [text.lstrip('+').replace(',', '') for text in cell.texts()]
            else:
                texts = [as_cell(cell)]
            cells += (texts + [''] * 2)[: 3 if wide else 1]
        writer.writerow(cells)
    return stream.getvalue()


def as_markdown(table: Table) -> str:
    """Return a table as Markdown of GitHub, with its notes below."""
    rule = [
        '---:' if all(isinstance(cell, Number) for cell in column) else '---'
        for column in table.columns()
    ]
    lines = [map(_markdown, table.header), rule, *(map(_markdown, row) for row in table.rows)]
    text = '\n'.join(f'| {" | ".join(line)} |' for line in lines)
    return '\n\n'.join([text, *map(_markdown, table.notes)]) + '\n'


def as_latex(table: Table) -> str:
    r"""Return a ``tabular`` of LaTeX with the rules of booktabs; notes are comments."""
    sides = ''.join(
        'r' if all(isinstance(cell, Number) for cell in column) else 'l'
        for column in table.columns()
    )
    comments = [f'% {as_line(text)}' for text in (table.title, *table.notes)]
    rows = [' & '.join(map(_latex, row)) + r' \\' for row in (table.header, *table.rows)]
    return '\n'.join(
        [
            *comments,
            r'% needs \usepackage{booktabs}',
            rf'\begin{{tabular}}{{{sides}}}',
            r'\toprule',
            rows[0],
            r'\midrule',
            *rows[1:],
            r'\bottomrule',
            r'\end{tabular}',
            '',
        ]
    )


#: Suffix of a file -> what a table becomes in it.
FORMATS: dict[str, Callable[[Table], str]] = {
    '.md': as_markdown,
    '.csv': as_csv,
    '.tex': as_latex,
}

#: What means something in LaTeX, in text or in a table, or is another sign in its old fonts.
_LATEX = {
    **{sign: f'\\{sign}' for sign in '&%$#_{}'},
    **{sign: f'{{{sign}}}' for sign in '[]*'},  # they belong to the end of a row before them
    '\\': r'\textbackslash{}',
    '~': r'\textasciitilde{}',
    '^': r'\textasciicircum{}',
    '<': r'\textless{}',
    '>': r'\textgreater{}',
    '|': r'\textbar{}',
    '"': r'\symbol{34}',
    '`': r'\symbol{96}',
    "'": r'\symbol{39}',
}


def _markdown(cell: Cell) -> str:
    return str(cell) if isinstance(cell, Number) else as_markdown_cell(cell)


def _latex(cell: Cell) -> str:
    if isinstance(cell, Number):  # signs, not hyphens
        return re.sub(r'[-+]', r'$\g<0>$', str(cell))
    text = ''.join(_LATEX.get(sign, sign) for sign in as_line(cell))
    return re.sub('-(?=-)', '-{}', text)  # two hyphens are a dash
