"""The tables of docs/audit.md, made from ``results/audit/pets.json``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from custom_modules.base.errors import UserError
from custom_modules.base.json_file import read_json
from custom_modules.base.records import count, items, mapping, number, record, text

#: Score of the file -> what its column is called.
_SCORES = {
    'audit': 'this audit',
    'without_copies': 'without the search for copies',
    'softmin': 'softmin (cleanlab)',
    'dice': '1 - Dice',
}

_SHARE = number(0, 1)
_KIND = record(('labels', 'first', 'auc'), labels=count(), first=_SHARE, auc=_SHARE)
_SCORE = record(
    ('precision', 'gross_first', 'auc', 'kinds'),
    precision=_SHARE,
    gross_first=_SHARE,
    auc=_SHARE,
    kinds=mapping(_KIND),
)
_SHAPE = record(
    ('protocol', 'scores', 'named', 'named_rightly', 'device', 'commit'),
    **dict.fromkeys(('protocol', 'device', 'commit'), text(4000)),
    scores=record(tuple(_SCORES), **dict.fromkeys(_SCORES, _SCORE)),
    named=mapping(mapping(count())),
    named_rightly=_SHARE,
    published=items(record(('id', 'kind'), id=text(), kind=text(), suspicion=number())),
)


def audit_tables(path: Path) -> str:
    """Return two Markdown tables: what each score finds, and how the wrong labels are called.

    Raises:
        UserError: the file cannot be read or is of no such benchmark.
    """
    result = read_json(path)
    try:
        _SHAPE(result, '')
    except ValueError as error:
        raise UserError(f'{path}: is of no audit, {error}; run it again') from None
    return '\n'.join(
        [
            f'{result["protocol"]}. {result["device"]}, commit `{result["commit"]}`.',
            '',
            *_found(result['scores']),
            '',
            *_called(result),
        ]
    )


def _found(scores: dict[str, Any]) -> list[str]:
    header = ['', *(f'{title}: first 5 % | ROC AUC' for title in _SCORES.values())]
    rows = [['**all kinds**'], ['inverted, empty and other together']]
    for name in _SCORES:
        one = scores[name]
        rows[0] += [f'**{one["precision"]:.3f}**', f'**{one["auc"]:.3f}**']
        rows[1] += [f'{one["gross_first"]:.3f}', '']
    for kind in scores['audit']['kinds']:
        cells = [scores[name]['kinds'][kind] for name in _SCORES]
        rows.append([kind, *(f'{one[key]:.3f}' for one in cells for key in ('first', 'auc'))])
    return _table(header, 1 + 2 * len(_SCORES), rows)


def _called(result: dict[str, Any]) -> list[str]:
    rows = [
        [wrong, ', '.join(f'{kind} {n}' for kind, n in sorted(names.items(), key=lambda p: -p[1]))]
        for wrong, names in result['named'].items()
    ]
    title = f'called ({result["named_rightly"]:.0%} rightly)'
    return _table(['made', title], 2, rows)


def _table(header: Sequence[str], columns: int, rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [header, ['---'] + ['---:' if columns > 2 else '---'] * (columns - 1), *rows]
    return [f'| {" | ".join(line)} |' for line in lines]
