"""The tables and curves of docs/reports.md: the reports' metrics beside those of our runs."""

from collections.abc import Iterable
from pathlib import Path

from custom_modules.base.errors import UserError
from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.runs.metrics_json import read_metrics
from custom_modules.visualization.curves import Run, save_curves

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

#: The budget whose runs are told of one by one, with their curves.
WHOLE = 'full'

#: Second result of R1's checkpoint, and the threshold that it has to be of: a logit of 0.5.
OWN_THRESHOLD, R1_THRESHOLD = 'own_threshold.json', 0.6225

#: The curves, a picture for each report.
PICTURES = PROJECT_ROOT / 'docs' / 'images' / 'reports'

_FIELDS = ('IoU', 'training', 'num_images', 'dtype')

#: Report -> the key of its average over images or batches.
AVERAGES = dict(r0='Dice_batches', r1='Dice', r2='Dice_batches', r3='Dice_batches', r4='Dice')


def reports_table(folder: Path) -> str:
    """Return a Markdown table with a row per system of the reports, and how each was trained.

    A run that does not exist is an empty cell.

    Args:
        folder: folder with ``<budget>/<config>/``, each with a ``metrics.json`` of
            ``tools/test.py``, and for R1 ``own_threshold.json``. Those of a whole recipe also
            have the run's ``vis_data/scalars.json``.

    Raises:
        UserError: a file lacks a field or belongs to no system of the reports, or R1's second
            result is of another checkpoint or threshold.
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
            row = runs[budget].get(name)
            cells += [''] * 4 if row is None else _cells(folder / budget / name, row)
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join([*lines, '', *_protocols(runs), *_whole_recipes(runs[WHOLE])])


def save_report_curves(folder: Path) -> None:
    """Draw the curves of the whole recipes that have been run, a picture for each report."""
    reports: dict[str, list[Run]] = {}
    for name in _read(folder / WHOLE):
        run = Run.of_folder(name, folder / WHOLE / name)
        reports.setdefault(_report(name), []).append(run)
    for report, runs in reports.items():
        save_curves(runs, PICTURES / f'{report}.png')


def _report(name: str) -> str:
    return name.partition('_')[0]


def _read(folder: Path) -> dict[str, dict]:
    runs = {}
    for path in sorted(folder.glob('*')):
        if path.name not in PUBLISHED:
            raise UserError(f'{path}: no system of the reports is called {path.name!r}')
        runs[path.name] = read_metrics(path / 'metrics.json', _FIELDS)
    return runs


def _cells(folder: Path, row: dict) -> list[str]:
    report, own = _report(folder.name), row
    if report == 'r1':
        own = _own_threshold(folder / OWN_THRESHOLD, row)
    average = own.get(AVERAGES[report])
    return [
        '' if average is None else f'{average:.4f}',
        f'**{row["Dice"]:.4f}**',
        f'{row["IoU"]:.4f}',
        _epochs(row),
    ]


def _own_threshold(path: Path, row: dict) -> dict:
    """Return R1's second result; nothing where it was not made."""
    if not path.is_file():
        return {}
    own = read_metrics(path, _FIELDS)
    for key, expected in (('threshold', R1_THRESHOLD), ('checkpoint', row.get('checkpoint'))):
        if own.get(key) != expected:
            raise UserError(f'{path}: its {key} is {own.get(key)}; test again with {expected}')
    return own


def _epochs(row: dict) -> str:
    return f'{row["training"]["epochs"]} of {row["training"]["max_epochs"]}'


def _protocols(runs: dict[str, dict[str, dict]]) -> list[str]:
    """Return a line for each budget that has been run: how its metrics came about."""
    lines = []
    for budget, title in BUDGETS.items():
        rows = runs[budget].values()
        if rows:
            tested = _each(
                f'{row["num_images"]:,} images of the split {row["split"]!r}, border = '
                f'{row["border"]}, scored at the {row["resolution"]} resolution, threshold '
                f'{row["threshold"]}'
                for row in rows
            )
            trained = _each(
                f'{row["training"]["device"]} in {row["training"]["precision"]}' for row in rows
            )
            scored = _each(row['dtype'] for row in rows)
            lines += [
                f'{title}: {tested}. Trained on {trained}, scored in {scored}. IoU: mean over '
                'images.',
                '',
            ]
    return lines[:-1]


def _each(values: Iterable[str]) -> str:
    """Return the values that occur, each once."""
    return ' or '.join(sorted(set(values)))


def _whole_recipes(runs: dict[str, dict]) -> list[str]:
    """Return how the whole recipes were trained, and their curves."""
    if not runs:
        return []
    titles = ['whole recipe', 'epoch kept', 'minutes of training', 'trained on', 'commit']
    lines = ['', f'| {" | ".join(titles)} |', '|---' * len(titles) + '|']
    for name, row in runs.items():
        training = row['training']
        cells = [
            f'`{name}`',
            _epochs(row),
            f'{training["minutes"]:.0f}',
            f'{training["device"]}, {training["precision"]}',
            f'`{training.get("commit", "unknown")}`',
        ]
        lines.append(f'| {" | ".join(cells)} |')
    for report in sorted({_report(name) for name in runs}):
        lines += ['', f'![Curves of {report.upper()}](images/reports/{report}.png)']
    return lines
