"""Tables for a hand-in: whatever a run is called, each format gives back what was put in."""

import csv
import html
import io
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

from custom_modules.base.csv_cells import from_cell
from custom_modules.base.errors import UserError
from custom_modules.commands.report import report_runs
from custom_modules.report.hand_in import cost_table, tables_of, write_tables
from custom_modules.report.tables import Number, Table, as_csv, as_latex, as_markdown
from tests.corpus.results import COST
from tests.corpus.run_configs import METRICS

#: What means something in one of the formats.
TEXTS = [
    'plain',
    'a|b || c',
    r'back\slash \textbf{x} \\ end',
    '50% & more_ #1 {x} ~ ^ $x^2$',
    '[0.5] *star* _under_ `tick` ![p](q)',
    '<script>alert(1)</script> &amp; "quoted" \'single\'',
    '=1+1',
    '-5+2 -- --- x',
    '@SUM(A1)',
    "'=already",
    'a, "b"; c',
    'two\nlines\r\tand\x00 a bell\x07',
    'Émile Käfer 猫',
    'https://example.org/x_y',
    '* [0pt]',
    '% comment',
]

SHOWN = [' '.join(re.sub(r'[\n\r\t\x00\x07]', ' ', text).split()) for text in TEXTS]

TABLE = Table(
    'a',
    'A title',
    ['text', TEXTS[1], 'number'],
    [[text, text, Number(-0.5, -0.75, 0.25, '+.2f')] for text in TEXTS],
    TEXTS,
)


def test_csv_gives_back_what_was_put_in() -> None:
    header, *rows = csv.reader(io.StringIO(as_csv(TABLE), newline=''))
    assert header == ['text', TEXTS[1], 'number', 'number, low', 'number, high']
    for row, text in zip(rows, TEXTS, strict=True):
        assert [from_cell(cell) for cell in row[:2]] == [text] * 2
        assert not row[0].startswith(('=', '+', '-', '@', '\t', '\r'))  # what spreadsheets compute
        assert row[2:] == ['-0.50', '-0.75', '0.25']


def test_markdown_gives_back_what_was_put_in() -> None:
    page = MarkdownIt('gfm-like', {'linkify': False}).render(as_markdown(TABLE))
    found = re.findall('<t[hd][^>]*>(.*?)</t[hd]>', page)
    cells = [html.unescape(' '.join(cell.split())) for cell in found]
    assert cells == [
        *('text', SHOWN[1], 'number'),
        *(cell for text in SHOWN for cell in (text, text, '-0.50 (-0.75 to +0.25)')),
    ]
    assert '<th style="text-align:right">number</th>' in page
    below = [html.unescape(' '.join(p.split())) for p in re.findall('<p>(.*?)</p>', page)]
    assert below[:4] == SHOWN[:4]
    assert not re.search('<(script|em|strong|code|a|img)', page)


#: What LaTeX prints for each of its commands.
PRINTED = {
    **{f'\\text{name}{{}}': sign for name, sign in (('backslash', '\\'), ('bar', '|'))},
    **{f'\\text{name}{{}}': sign for name, sign in (('less', '<'), ('greater', '>'))},
    **{f'\\textascii{name}{{}}': sign for name, sign in (('tilde', '~'), ('circum', '^'))},
    **{f'\\symbol{{{ord(sign)}}}': sign for sign in '"`\''},
    **{f'\\{sign}': sign for sign in '&%$#_{}'},
    **{f'{{{sign}}}': sign for sign in ('', '[', ']', '*')},
}
_PIECES = re.compile('|'.join([*map(re.escape, PRINTED), r'[^\\{}&%$#_~^<>"`\'|*\[\]]']))


def printed(cell: str) -> str:
    """Return what LaTeX prints for a cell, in which there is nothing else that it would obey."""
    pieces = _PIECES.findall(cell)
    assert ''.join(pieces) == cell
    return ''.join(PRINTED.get(piece, piece) for piece in pieces)


def test_latex_prints_what_was_put_in() -> None:
    text = as_latex(TABLE)
    body = text[text.index('\\midrule\n') + 9 : text.index('\\bottomrule')]
    rows = body.splitlines()
    assert len(rows) == len(TEXTS)
    for row, expected in zip(rows, SHOWN, strict=True):
        assert row.endswith(r' \\')
        cells = re.split(r'(?<!\\) & ', row.removesuffix(r' \\'))
        assert [' '.join(printed(cell).split()) for cell in cells[:2]] == [expected] * 2
        assert cells[2] == '$-$0.50 ($-$0.75 to $+$0.25)'
    assert '--' not in body  # it would be a dash
    head = text[: text.index('\\begin{tabular}{llr}')].splitlines()
    assert all(line.startswith('%') for line in head)
    assert len(head) == 2 + len(TEXTS)


def scored(**more: Any) -> list[tuple[str, dict[str, Any]]]:
    return [('one', METRICS | more), ('two', METRICS)]


def test_what_an_image_costs() -> None:
    """A range that is wide says that the machine had other work."""
    quiet = dict(COST, multiply_accumulates=1_234_567_890, parameters=31_043_521)
    quiet |= dict(image_size=[32, 64], latency=dict(median=2, low=1.9, high=2.8, runs=9))
    facts = dict(device='a CPU', dtype='float32', tta=dict(scales=[1, 2]))
    table = cost_table(scored(cost=quiet, **facts))
    assert [str(cell) for cell in table.rows[0]] == [
        *('one', '31,043,521', '1.23', '2.0 (1.9 to 2.8)', '9', '64x32'),
        *('float32, 4 views', 'a CPU'),
    ]
    assert len(table.rows) == 1 and not any('is wide' in note for note in table.notes)
    busy = dict(quiet, latency=dict(median=2, low=1.8, high=2.8, runs=9))
    assert 'The range of one is wide' in cost_table(scored(cost=busy)).notes[-1]


def test_tables_without_anything_are_left_out() -> None:
    assert [table.name for table in tables_of(scored(), [], [])] == ['metrics']
    assert tables_of([], [], []) == []


@pytest.mark.parametrize('name', ['report.html', 'my report #1 100%.html'])
def test_files_lie_where_the_page_says(name: str, tmp_path: Path) -> None:
    """And what an earlier page had besides is gone, but not what somebody else put there."""
    for label, more in (('one', dict(cost=COST)), ('two', {})):
        (tmp_path / label).mkdir()
        (tmp_path / label / 'metrics.json').write_text(json.dumps(METRICS | more))
        (tmp_path / label / 'per_image.csv').write_text('id,tp,fp,fn,tn,dice\na,1,0,0,0,1\n')
    both = [str(tmp_path / label) for label in ('one', 'two')]
    page = report_runs(both, str(tmp_path / name))
    addresses = re.findall(r'href="(\./[^"]*)"', page.read_text())
    files = {(tmp_path / unquote(address)).resolve() for address in addresses}
    assert len(addresses) == len(files) == 3 * len({file.stem for file in files})
    assert files == set(page.with_name(f'{page.stem}_tables').iterdir())
    assert {'metrics', 'comparison', 'cost'} <= {file.stem for file in files}
    own = next(iter(files)).with_name('mine.txt')
    own.touch()
    report_runs(both[1:], str(tmp_path / name))
    left = {file.stem for file in own.parent.iterdir()}
    assert 'mine' in left and not {'comparison', 'cost'} & left


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / 'page_tables').write_text('of somebody')
    write_tables([], tmp_path / 'page.html')
    with pytest.raises(UserError, match=r'page_tables: cannot be written .*with --out'):
        write_tables([TABLE], tmp_path / 'page.html')
    assert (tmp_path / 'page_tables').read_text() == 'of somebody'
