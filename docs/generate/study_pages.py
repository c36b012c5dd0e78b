"""The tables, curves and pages of the studies in docs/ and configs/studies/."""

from pathlib import Path

from custom_modules.base.paths import PROJECT_ROOT, short_path
from custom_modules.base.shell import shell_command
from custom_modules.studies.experiments import BASE, STUDIES, changes_nothing, leaves
from custom_modules.studies.pages import save_study_curves, study_table
from custom_modules.studies.results import describe_config, describe_study, read_study

#: What a table of docs/studies.md stands between.
BEGIN = '<!-- study {study}: made by python -m docs.generate from results/studies -->'
END = '<!-- end of study {study} -->'

#: What was kept of each study, and its curves.
RESULTS = PROJECT_ROOT / 'results' / 'studies'
PICTURES = PROJECT_ROOT / 'docs' / 'images' / 'studies'


def studies() -> list[Path]:
    """Return the folders of all studies."""
    return sorted(base.parent for base in STUDIES.glob(f'*/{BASE}'))


def study_readme(folder: Path) -> str:
    """Return the README of a study: question, what the report found, its configs, the command."""
    question, report = describe_study(folder)
    lines = [f'# {question}', '']
    lines += [report, ''] if report else []
    lines += ['| config | value |', '|---|---|']
    for config in leaves(folder):
        note = ' All others are compared with it.' if changes_nothing(config) else ''
        lines.append(f'| `{config.name}` | {describe_config(config)}{note} |')
    command = shell_command('sweep', short_path(folder), '--budget', 'laptop')
    lines += ['', 'Each inherits `_base_.py` and says in a line or two what differs.', '']
    lines += ['```bash', command, '```', '']
    return '\n'.join(lines)


def save_pictures() -> None:
    """Draw the curves of each study with results, for docs/studies.md."""
    for path in sorted(RESULTS.glob('*.json')):
        save_study_curves(read_study(path), PICTURES / f'{path.stem}.png')


def study_pages() -> dict[Path, str]:
    """Return the text of each study's README, as it should be."""
    return {folder / 'README.md': study_readme(folder) for folder in studies()}


def study_blocks() -> dict[str, str]:
    """Return the block of docs/studies.md for each study with results."""
    blocks = {}
    for path in sorted(RESULTS.glob('*.json')):
        picture = PICTURES / f'{path.stem}.png'
        address = f'images/studies/{picture.name}' if picture.is_file() else None
        blocks[path.stem] = study_table(read_study(path), address)
    return blocks
