"""The table of docs/reports.md: the reports' metrics beside those of our runs of their recipes."""

from pathlib import Path

from custom_modules.base.errors import UserError
from custom_modules.runs.metrics_json import read_metrics

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


#: Ending of a second result of the same checkpoint, at R1's own threshold (probability 0.6225).
OWN_THRESHOLD = '.own_threshold'

#: Report -> the key of its average over images or batches.
AVERAGES = dict(r0='Dice_batches', r1='Dice', r2='Dice_batches', r3='Dice_batches', r4='Dice')


def reports_table(folder: Path) -> str:
    """Return a Markdown table with a row per system of the reports.

    A run that does not exist is an empty cell.

    Args:
        folder: folder with ``<budget>/<config>.json``, each a ``metrics.json`` of
            ``tools/test.py``, and for R1 ``<config>.own_threshold.json``.

    Raises:
        UserError: a file lacks a field or belongs to no system of the reports.
    """
    runs = {budget: _read(folder / budget) for budget in BUDGETS}
    titles = ' | '.join(
        f"{title}: Dice, the report's average | Dice, mean over images | IoU | epochs"
        for title in BUDGETS.values()
    )
    lines = [f'| config | report: Dice | {titles} |', '|---' * (2 + 4 * len(BUDGETS)) + '|']
    for name, published in PUBLISHED.items():
        cells = [f'`{name}`', '' if published is None else f'{published:.4f}']
        for budget in BUDGETS:
            cells += _cells(name, runs[budget])
        lines.append(f'| {" | ".join(cells)} |')
    lines += ['', *_protocols(runs)]
    return '\n'.join(lines)


def _read(folder: Path) -> dict[str, dict]:
    runs = {}
    for path in sorted(folder.glob('*.json')):
        if path.stem.removesuffix(OWN_THRESHOLD) not in PUBLISHED:
            raise UserError(f'{path}: no system of the reports is called {path.stem!r}')
        runs[path.stem] = read_metrics(path, ('IoU', 'training', 'num_images', 'dtype'))
    return runs


def _cells(name: str, runs: dict[str, dict]) -> list[str]:
    row = runs.get(name)
    if row is None:
        return ['', '', '', '']
    training = row['training']
    report = name.split('_')[0]
    own = runs.get(name + OWN_THRESHOLD, {}) if report == 'r1' else row
    average = own.get(AVERAGES[report])
    return [
        '' if average is None else f'{average:.4f}',
        f'**{row["Dice"]:.4f}**',
        f'{row["IoU"]:.4f}',
        f'{training["epochs"]} of {training["max_epochs"]}',
    ]


def _protocols(runs: dict[str, dict[str, dict]]) -> list[str]:
    """Return a line for each budget that has been run: how its metrics came about."""
    lines = []
    for budget, title in BUDGETS.items():
        rows = [row for name, row in runs[budget].items() if not name.endswith(OWN_THRESHOLD)]
        if not rows:
            continue
        protocols = {
            f'{row["num_images"]:,} images of the split {row["split"]!r}, border = '
            f'{row["border"]}, scored at the {row["resolution"]} resolution, threshold '
            f'{row["threshold"]}, trained on {row["training"]["device"]} in '
            f'{row["training"]["precision"]}, scored in {row["dtype"]}'
            for row in rows
        }
        lines.append(f'{title}: {"; ".join(sorted(protocols))}. IoU: mean over images.')
    return lines
