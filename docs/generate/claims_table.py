"""What the reports claim and what we find: a line for each study, at the top of docs/studies.md."""

from collections.abc import Sequence
from typing import Any

from custom_modules.studies.results import describe_study, read_study
from custom_modules.studies.seeds import Value, mean_and_range, values_of
from docs.generate.study_pages import RESULTS, studies

BEGIN = '<!-- claims: made by python -m docs.generate from results/studies -->'
END = '<!-- end of claims -->'


def claims_table() -> str:
    """Return the table in Markdown; a study that has not been run says so."""
    lines = ['| question | report | found here |', '|---|---|---|']
    for folder in studies():
        question, claim = describe_study(folder)
        path = RESULTS / f'{folder.name}.json'
        found = _found(read_study(path)['rows']) if path.is_file() else 'not run'
        link = f'[{question}](#{_anchor(question)})'
        lines.append(f'| {link} | {" ".join(claim.split()) or "no claim"} | {found} |')
    return '\n'.join(lines)


def _found(rows: Sequence[dict[str, Any]]) -> str:
    budgets = list(dict.fromkeys(row['budget'] for row in rows))
    return '; '.join(
        f'budget {budget}: '
        + ', '.join(
            _value(value) for value in values_of([row for row in rows if row['budget'] == budget])
        )
        for budget in budgets
    )


def _value(value: Value) -> str:
    """Return a value's test Dice, and by how many points it differs from the base."""
    text = f'`{value.name}` {mean_and_range(value.test_dice)}'
    found = [row['difference'] for row in value.rows if 'Dice' in (row['difference'] or {})]
    if not found:
        return text
    mean = sum(one['Dice'] for one in found) / len(found)
    low, high = (
        100 * side(one['interval'][i] for one in found) for i, side in ((0, min), (1, max))
    )
    return f'{text} ({100 * mean:+.1f}, {low:+.1f} to {high:+.1f})'


def _anchor(heading: str) -> str:
    """Return where a link to a heading of Markdown leads."""
    kept = ''.join(letter for letter in heading.lower() if letter.isalnum() or letter in ' -_')
    return kept.replace(' ', '-')
