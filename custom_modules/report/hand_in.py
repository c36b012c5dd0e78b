"""What a page shows, as tables for a hand-in, in files beside the page."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ..base.paths import make_writable
from ..base.whole_file import whole_file
from ..evaluation.own_metrics import metrics_of
from ..runs.comparison import Comparison
from .tables import FORMATS, Cell, Number, Table

#: A test's metrics by the label of its run.
Scored = Sequence[tuple[str, dict[str, Any]]]

#: Border policy -> what the border is then.
BORDERS = {'foreground': 'pet', 'background': 'background', 'ignore': 'not counted'}

#: Times that an image takes on a machine with other work, the longest by the shortest.
_WIDE = 1.5

#: All names of tables, so that one which a page has no more is not left beside it.
_NAMES = ('metrics', 'border', 'comparison', 'groups', 'calibration', 'cost')


def tables_of(
    scored: Scored, comparisons: Sequence[Comparison], notes: Sequence[str]
) -> list[Table]:
    """Return the tables that have anything in them.

    Args:
        scored: label and metrics of each run that was tested.
        comparisons: comparisons of the other runs with the first, as ``compare`` returns them.
        notes: sentences that describe the protocols of the metrics.
    """
    if not scored:
        return []
    runs = [label for label, _ in scored]
    names = {info.name: info.title for info in metrics_of([row for _, row in scored])}
    shown = metrics_of([one for _, row in scored for one in row.get('borders', {}).values()])
    of_borders = [info for info in shown if info.level != 'detail']
    found = [
        Table('metrics', 'Metrics', ['metric', *runs], [*_metrics(scored, names)], notes),
        Table(
            'border',
            'Border policies',
            ['border is', 'run', *(info.title for info in of_borders)],
            [
                [
                    BORDERS[policy],
                    label,
                    *(_number(row['borders'][policy], info.name) for info in of_borders),
                ]
                for policy in BORDERS
                for label, row in scored
                if 'borders' in row
            ],
            notes,
        ),
        Table(
            'comparison',
            'Differences, with 95 % intervals of the paired bootstrap over images',
            ['run', 'compared with', 'metric', 'difference', 'verdict'],
            [
                [
                    *(one.second, one.first, names.get(row.metric, row.metric)),
                    Number(row.second - row.first, row.low, row.high, '+.4f'),
                    row.verdict,
                ]
                for one in comparisons
                for row in one.metrics
            ],
            notes,
        ),
        Table(
            'groups',
            'Groups of images: Dice, mean over images',
            ['grouped by', 'group', 'run', 'images', 'Dice'],
            [*_groups(scored)],
            notes,
        ),
        Table(
            'calibration',
            'Calibration, on the tested images; the best threshold is that of the validation',
            ['run', 'Brier', 'ECE', 'best threshold', 'used'],
            [[label, *_calibration(row)] for label, row in scored if 'calibration' in row],
            notes,
        ),
        cost_table(scored),
    ]
    return [table for table in found if table.rows]


def cost_table(scored: Scored) -> Table:
    """Return parameters, multiply-accumulates and latency of the runs whose test measured them."""
    costs = [(label, row, row['cost']) for label, row in scored if 'cost' in row]
    return Table(
        'cost',
        'What one image costs',
        [
            *('run', 'parameters', 'multiply-accumulates (G)', 'latency (ms)', 'repetitions'),
            *('image', 'precision', 'measured on'),
        ],
        [
            [
                label,
                Number(cost['parameters'], form=',.0f'),
                Number(cost['multiply_accumulates'] / 1e9, form=',.2f'),
                _milliseconds(cost['latency']),
                Number(cost['latency']['runs'], form=',.0f'),
                'x'.join(map(str, reversed(cost['image_size']))),
                _precision(row),
                row.get('device', ''),
            ]
            for label, row, cost in costs
        ],
        [
            'Multiply-accumulates are those of convolutions, matrix products and attention in one '
            'pass of the network.',
            'Latency: median, and 10th to 90th percentile, of repetitions with a batch of one '
            'image in memory, after some to warm up; images are not read or resized in it. Other '
            'work on the machine makes it longer and the range wider.',
            *(
                f'The range of {label} is wide; test again while nothing else runs.'
                for label, _, cost in costs
                if cost['latency']['high'] > _WIDE * cost['latency']['low']
            ),
        ],
    )


def _milliseconds(found: dict[str, float]) -> Number:
    return Number(found['median'], found['low'], found['high'], ',.1f')


def _precision(row: dict[str, Any]) -> str:
    tta = row.get('tta')
    views = f', {2 * len(tta["scales"])} views' if tta else ''
    return f'{row.get("dtype", "")}{views}'


def _metrics(scored: Scored, names: dict[str, str]) -> Iterator[list[Cell]]:
    for name, title in names.items():
        cells: list[Cell] = []
        for _, row in scored:
            low, high = row.get('intervals', {}).get(name) or (None, None)
            cells.append(Number(row[name], low, high) if name in row else '')
        yield [title, *cells]


def _groups(scored: Scored) -> Iterator[list[Cell]]:
    questions = dict.fromkeys(q for _, row in scored for q in row.get('breakdowns', {}))
    for question in questions:
        found = [(label, row.get('breakdowns', {}).get(question, {})) for label, row in scored]
        for name in dict.fromkeys(name for _, groups in found for name in groups):
            for label, groups in found:
                if name in groups:
                    one = groups[name]
                    low, high = one.get('Dice_interval') or (None, None)
                    images = Number(one['num_images'], form=',.0f')
                    yield [question, name, label, images, Number(one['Dice'], low, high)]


def _calibration(row: dict[str, Any]) -> list[Cell]:
    found = row['calibration']
    return [
        *(_number(found, key) for key in ('Brier', 'ECE')),
        _number(row.get('validation', {}), 'best_threshold', 'g'),
        Number(row['threshold'], form='g'),
    ]


def _number(row: dict[str, Any], name: str, form: str = '.4f') -> Cell:
    return Number(row[name], form=form) if name in row else ''


def tables_folder(page: Path) -> Path:
    """Return the folder of a page's tables: ``report_tables`` beside ``report.html``."""
    return page.with_name(f'{page.stem}_tables')


def links(tables: Sequence[Table], page: Path) -> dict[str, dict[str, str]]:
    """Return for each table, by its name, the address of the file of each format."""
    folder = tables_folder(page).name
    formats = {'Markdown': '.md', 'CSV': '.csv', 'LaTeX': '.tex'}
    return {
        table.name: {
            name: quote(f'./{folder}/{table.name}{suffix}') for name, suffix in formats.items()
        }
        for table in tables
    }


def write_tables(tables: Sequence[Table], page: Path) -> None:
    """Write the tables of a page; those that an earlier page of that name had besides are removed.

    Raises:
        UserError: the folder cannot be written.
    """
    folder = tables_folder(page)
    if tables:
        make_writable(folder.resolve(), '--out')
    if folder.is_dir():
        for name in {*_NAMES} - {table.name for table in tables}:
            for suffix in FORMATS:
                (folder / f'{name}{suffix}').unlink(missing_ok=True)
    for table in tables:
        for suffix, form in FORMATS.items():
            with whole_file(folder / f'{table.name}{suffix}', newline='') as file:
                file.write(form(table))
