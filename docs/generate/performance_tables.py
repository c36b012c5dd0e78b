"""The tables of docs/performance.md, made from the JSON files under ``results/benchmarks/``."""

from collections.abc import Sequence
from pathlib import Path

from custom_modules.base.errors import UserError
from custom_modules.base.json_file import read_json
from custom_modules.base.records import mapping, number, record, text

#: The files, in the order of the page, and their headings.
BENCHMARKS = {
    'step': 'A training step',
    'epoch': 'A training epoch, from the files to the weights',
    'evaluation': 'Test',
    'loader': 'The data loader alone',
    'laptop': 'To a test Dice of 0.887',
    'race': 'To a test Dice of 0.915 at 256x256',
    'init': 'Weights to start from',
    'inference': 'Inference on a CPU',
    'export': 'Exported files',
    'service': 'The service under load',
    'attacks': 'The service under attack',
    'memory': 'Memory',
    'large': 'Large pictures',
    'allocator': 'Memory that is kept',
    'startup': 'Start',
    'preparation': "Looking at a folder of one's own",
}

_ROW = record(images_per_second=number(0), times_faster=number(0))

_SHAPE = record(
    ('protocol', 'device', 'torch', 'commit'),
    **dict.fromkeys(('protocol', 'device', 'torch', 'commit', 'base'), text(4000)),
    rows=mapping(_ROW),
    seconds=mapping(number(0)),
    mebibytes=mapping(number(0)),
)


def performance_tables(folder: Path) -> str:
    """Return a section with a Markdown table for each ``<benchmark>[_<variant>].json``.

    Raises:
        UserError: a file belongs to no benchmark of the page, or cannot be read.
    """
    sections = []
    paths = sorted(folder.glob('*.json'))
    for path in paths:
        if path.stem.partition('_')[0] not in BENCHMARKS:
            raise UserError(f'{path}: no benchmark of the page is called {path.stem!r}')
    for name, title in BENCHMARKS.items():
        for path in paths:
            if path.stem.partition('_')[0] == name:
                sections += _section(title, _read(path))
    return '\n'.join(sections).strip()


def _read(path: Path) -> dict:
    result = read_json(path)
    try:
        _SHAPE(result, '')
        shapes = [list(row) for row in result.get('rows', {}).values()]
        if not ({'seconds', 'mebibytes'} & set(result) or shapes) or any(
            'base' not in result and row != shapes[0] for row in shapes
        ):
            raise ValueError('it has no rows, or rows of different columns')
    except ValueError as error:
        raise UserError(f'{path}: is of no benchmark, {error}; run it again') from None
    return result


def _section(title: str, result: dict) -> list[str]:
    lines = [f'### {title}', '', f'{_sentence(result["protocol"])} {_machine(result)}', '']
    if 'base' in result:
        base = result['base']
        lines += _table(
            ['', 'images/s', f'times {base}'],
            [
                [name, f'{row["images_per_second"]:.1f}', f'{row["times_faster"]:.2f}']
                for name, row in result['rows'].items()
            ],
        )
    elif 'seconds' in result:
        lines += _table(['', 'seconds'], [[k, f'{v:.2f}'] for k, v in result['seconds'].items()])
    elif 'mebibytes' in result:
        lines += _table(['', 'MiB'], [[k, f'{v:,}'] for k, v in result['mebibytes'].items()])
    else:
        columns = list(next(iter(result['rows'].values())))
        lines += _table(
            ['', *columns],
            [[name, *(_cell(row[c]) for c in columns)] for name, row in result['rows'].items()],
        )
    return [*lines, '']


def _cell(value: float | str | None) -> str:
    return '' if value is None else value if isinstance(value, str) else f'{value:,}'


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    cells = [header, ['---'] + ['---:'] * (len(header) - 1), *rows]
    return [f'| {" | ".join(row)} |' for row in cells]


def _machine(result: dict) -> str:
    return f'{result["device"]}, torch {result["torch"]}, commit `{result["commit"]}`.'


def _sentence(text: str) -> str:
    return f'{text[0].upper()}{text[1:]}.'
