"""The table of docs/reports.md: the reports' figures beside those of our runs of their recipes."""

import json
from pathlib import Path

from ..errors import UserError

#: Test Dice of the reports, by config; None where a report gives none.
PUBLISHED: dict[str, float | None] = {
    'r0_unet': 0.9318,
    'r0_resnet34_unet': 0.9330,
    'r1_unet': 0.9036,
    'r1_resnet34_unet': 0.9103,
    'r2_unet': 0.9309,
    'r2_resnet34_unet': 0.9478,
    'r3_unet': 0.8641,
    'r3_resnet34_unet': None,
    'r4_unet': None,
    'r4_resnet34_unet': None,
}

#: Folder of the results -> what its column is called.
BUDGETS = {'full': 'ours, whole recipe', 'cpu-2epochs': 'ours, 2 epochs at 128x128'}


def reports_table(folder: Path) -> str:
    """Return a Markdown table with a row per system of the reports.

    A run that does not exist is an empty cell.

    Args:
        folder: holds ``<budget>/<config>.json``, each a ``metrics.json`` of ``tools/test.py``.

    Raises:
        UserError: a file lacks a field or is of no system of the reports.
    """
    runs = {budget: _read(folder / budget) for budget in BUDGETS}
    titles = ' | '.join(f'{title}: Dice | IoU | epochs' for title in BUDGETS.values())
    lines = [f'| config | report: Dice | {titles} |', '|---' * (2 + 3 * len(BUDGETS)) + '|']
    for name, published in PUBLISHED.items():
        cells = [f'`{name}`', '' if published is None else f'{published:.4f}']
        for budget in BUDGETS:
            cells += _cells(runs[budget].get(name))
        lines.append(f'| {" | ".join(cells)} |')
    lines += ['', *_protocols(runs)]
    return '\n'.join(lines)


def _read(folder: Path) -> dict[str, dict]:
    runs = {}
    for path in sorted(folder.glob('*.json')):
        if path.stem not in PUBLISHED:
            raise UserError(f'{path}: no system of the reports is called {path.stem!r}')
        row = json.loads(path.read_text(encoding='utf-8'))
        missing = [key for key in ('Dice', 'IoU', 'training', 'image_size') if key not in row]
        if missing:
            raise UserError(f'{path}: the field {missing[0]!r} is missing')
        runs[path.stem] = row
    return runs


def _cells(row: dict | None) -> list[str]:
    if row is None:
        return ['', '', '']
    training = row['training']
    return [
        f'**{row["Dice"]:.4f}**',
        f'{row["IoU"]:.4f}',
        f'{training["epochs"]} of {training["max_epochs"]}',
    ]


def _protocols(runs: dict[str, dict[str, dict]]) -> list[str]:
    """Return a line for each budget that has been run: how its figures came about."""
    lines = []
    for budget, title in BUDGETS.items():
        rows = runs[budget].values()
        if not rows:
            continue
        protocols = {
            f'{row["num_images"]:,} images of the split {row["split"]!r}, border = '
            f'{row["border"]}, scored at the {row["resolution"]} resolution, threshold '
            f'{row["threshold"]}, trained on {row["training"]["device"]} in '
            f'{row["training"]["precision"]}, scored in {row["dtype"]}'
            for row in rows
        }
        lines.append(f'{title}: {"; ".join(sorted(protocols))}. Dice and IoU: mean over images.')
    return lines
