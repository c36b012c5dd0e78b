"""The tables of README and docs, made from the JSON files under ``results/``."""

from pathlib import Path

from custom_modules.base.errors import UserError
from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.evaluation.metric_table import METRIC_TABLE
from custom_modules.runs.metrics_json import read_metrics
from docs.generate.audit_table import audit_tables
from docs.generate.claims_table import BEGIN as CLAIMS_BEGIN
from docs.generate.claims_table import END as CLAIMS_END
from docs.generate.claims_table import claims_table
from docs.generate.matrix_table import BEGIN as MATRIX_BEGIN
from docs.generate.matrix_table import END as MATRIX_END
from docs.generate.matrix_table import matrix_table
from docs.generate.performance_tables import performance_tables
from docs.generate.reports_table import reports_table
from docs.generate.study_pages import BEGIN as STUDY_BEGIN
from docs.generate.study_pages import END as STUDY_END
from docs.generate.study_pages import study_blocks, study_pages
from docs.generate.types_table import BEGIN as TYPES_BEGIN
from docs.generate.types_table import END as TYPES_END
from docs.generate.types_table import types_table
from docs.generate.variables_table import BEGIN as VARIABLES_BEGIN
from docs.generate.variables_table import END as VARIABLES_END
from docs.generate.variables_table import variables_table
from docs.generate.zoo_table import BEGIN as ZOO_BEGIN
from docs.generate.zoo_table import END as ZOO_END
from docs.generate.zoo_table import zoo_table

BEGIN = '<!-- results: made by python -m docs.generate from results/ -->'
END = '<!-- end of results -->'

#: Metrics of a row.
_SHOWN = ('Dice', 'Dice_global', 'IoU')

#: What a row needs.
_NEEDED = ('config', *_SHOWN, 'num_images', 'training')


def pages() -> dict[Path, tuple[str, str]]:
    """Return for each page with a table its text as it is and as it should be.

    Raises:
        UserError: a result lacks a field, or a page lacks the markers.
    """
    results = PROJECT_ROOT / 'results'
    tables = {
        PROJECT_ROOT / 'README.md': results_table(results),
        PROJECT_ROOT / 'docs' / 'reports.md': reports_table(results / 'reports'),
        PROJECT_ROOT / 'docs' / 'performance.md': performance_tables(results / 'benchmarks'),
        PROJECT_ROOT / 'docs' / 'audit.md': audit_tables(results / 'audit' / 'pets.json'),
    }
    texts = {page: page.read_text(encoding='utf-8') for page in tables}
    made = {page: (texts[page], with_table(texts[page], tables[page])) for page in tables}
    return made | _study_pages() | _training_step() | _installation() | _zoo()


def _training_step() -> dict[Path, tuple[str, str]]:
    page = PROJECT_ROOT / 'docs' / 'training-step.md'
    text = page.read_text(encoding='utf-8')
    configs = PROJECT_ROOT / 'configs'
    new = with_table(text, types_table(configs), TYPES_BEGIN, TYPES_END)
    new = with_table(new, variables_table(configs), VARIABLES_BEGIN, VARIABLES_END)
    return {page: (text, new)}


def _installation() -> dict[Path, tuple[str, str]]:
    page = PROJECT_ROOT / 'docs' / 'installation.md'
    text = page.read_text(encoding='utf-8')
    table = matrix_table(PROJECT_ROOT / 'results' / 'matrix')
    return {page: (text, with_table(text, table, MATRIX_BEGIN, MATRIX_END))}


def _zoo() -> dict[Path, tuple[str, str]]:
    page = PROJECT_ROOT / 'docs' / 'zoo.md'
    text = page.read_text(encoding='utf-8')
    table = zoo_table(PROJECT_ROOT / 'results' / 'zoo')
    return {page: (text, with_table(text, table, ZOO_BEGIN, ZOO_END))}


def _study_pages() -> dict[Path, tuple[str, str]]:
    made = {
        page: (page.read_text(encoding='utf-8') if page.is_file() else '', text)
        for page, text in study_pages().items()
    }
    page = PROJECT_ROOT / 'docs' / 'studies.md'
    text = page.read_text(encoding='utf-8')
    new = with_table(text, claims_table(), CLAIMS_BEGIN, CLAIMS_END)
    for study, block in study_blocks().items():
        new = with_table(new, block, STUDY_BEGIN.format(study=study), STUDY_END.format(study=study))
    made[page] = (text, new)
    return made


def results_table(folder: Path) -> str:
    """Return a Markdown table with a row per ``*/metrics.json`` below ``folder``.

    Raises:
        UserError: a file lacks a field.
    """
    titles = ' | '.join(METRIC_TABLE[name].short_title for name in _SHOWN)
    lines = [
        f'| config | {titles} | images | protocol | trained on |',
        '|---|---|---|---|---|---|---|',
    ]
    for path in sorted(folder.glob('*/metrics.json')):
        lines.append(_line(read_metrics(path, _NEEDED)))
    lines += [
        '',
        'Dice and IoU are means over images, one run each. More in `results/`.',
    ]
    return '\n'.join(lines)


def with_table(page: str, table: str, begin: str = BEGIN, end: str = END) -> str:
    """Return ``page`` with what is between the two markers replaced by ``table``.

    Raises:
        UserError: the page lacks the markers.
    """
    before, first, rest = page.partition(begin)
    _, last, after = rest.partition(end)
    if not (first and last):
        raise UserError(f'the page lacks the lines {begin} and {end}')
    return f'{before}{begin}\n{table}\n{end}{after}'


def _line(row: dict) -> str:
    training = row['training']
    size = row['image_size']
    cells = [
        f'`{row["config"]}`',
        f'**{row[_SHOWN[0]]:.4f}**',
        *(f'{row[name]:.4f}' for name in _SHOWN[1:]),
        f'{row["num_images"]:,} ({row["split"]})',
        f'border = {row["border"]}, {size}x{size}, {row["resolution"]} resolution, '
        f'threshold {row["threshold"]}',
        f'{training["epochs"]} of {training["max_epochs"]} epochs, {training["minutes"]:.0f} min, '
        f'{training["device"]}, {training["precision"]}',
    ]
    return f'| {" | ".join(cells)} |'
