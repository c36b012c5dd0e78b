"""The pages about studies: a README for each, made from the doc strings, and docs/studies.md."""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ..base.csv_cells import as_markdown_cell
from ..base.whole_file import whole_file
from ..evaluation.own_metrics import own_of
from ..visualization.curves import COLOURS, Run, save_curves
from .seeds import Value, best_line, mean_and_range, too_few_images, values_of, without_seed


def study_table(found: dict[str, Any], picture: str | None = None) -> str:
    """Return a study's tables in Markdown, one for each budget, with its protocol.

    With several seeds an experiment is their mean, with the lowest and the highest. Differences are
    against the base's run of the same seed, image by image.

    Args:
        found: results of a study, as ``read_study`` returns them.
        picture: address of the picture of its curves, as seen from the page; None without one.
    """
    budgets = list(dict.fromkeys(row['budget'] for row in found['rows']))
    blocks = []
    for budget in budgets:
        rows = [row for row in found['rows'] if row['budget'] == budget]
        own = own_of(rows)
        titles = ''.join(f' | {as_markdown_cell(info.title)}' for info in own.values())
        lines = [
            f'| value | test Dice | 95 % interval | difference to the base | IoU{titles} | best '
            'validation Dice | epochs | minutes |',
            '|---' * (8 + len(own)) + '|',
            *(_line(value, own) for value in values_of(rows)),
            '',
            _protocol(budget, rows),
        ]
        blocks.append('\n'.join(lines))
    if picture:
        blocks.append(f'![Training loss and validation Dice]({picture})')
        first = [row for row in found['rows'] if row['budget'] == budgets[0]]
        values = len(values_of(first))
        if values > len(COLOURS):  # no more can be told apart
            blocks.append(f'The picture has the first {len(COLOURS)} of the {values} values.')
    return '\n\n'.join(blocks)


def save_page(found: dict[str, Any], folder: Path) -> None:
    """Write ``results.md`` and ``curves.png``: what a study found, for people.

    Args:
        found: results of a study, as ``study_results`` returns them, with a row at least.
        folder: folder of the study's experiments.
    """
    picture = folder / 'curves.png'
    save_study_curves(found, picture)
    values = values_of(found['rows'])
    best = best_line(values)
    missing = ', '.join(f'`{experiment}`' for experiment in found['missing'])
    blocks = [f'# {found["question"]}', found['report'], study_table(found, picture.name)]
    blocks += [f'{line}.' for value in values if (line := too_few_images(value))]
    blocks += [f'Not tested yet: {missing}.' if missing else '', f'{best}.' if best else '']
    with whole_file(folder / 'results.md') as file:
        file.write('\n\n'.join(block for block in blocks if block) + '\n')


def save_study_curves(found: dict[str, Any], path: Path) -> None:
    """Draw training loss and validation Dice of each value, its first seed, over the epochs."""
    runs: dict[str, Run] = {}
    for row in found['rows']:
        label = without_seed(row['experiment'])
        if label not in runs and row['budget'] == found['rows'][0]['budget']:
            curves = row['curves']
            steps = row.get('validated_at')
            numbers = steps or range(1, len(curves['train/loss']) + 1)
            epochs = {
                number: {
                    name: values[place]
                    for name, values in curves.items()
                    if values[place] is not None
                }
                for place, number in enumerate(numbers)
            }
            runs[label] = Run(label, epochs, own_of([row]), 'step' if steps else 'epoch')
    save_curves(list(runs.values())[: len(COLOURS)], path)


def _line(value: Value, own: Iterable[str]) -> str:
    rows = value.rows
    first = rows[0]
    interval = first['interval'] if len(rows) == 1 else None
    cells = [
        f'`{value.name}`: {first["value"]}',
        f'**{mean_and_range(value.test_dice)}**',
        '' if interval is None else f'{interval[0]:.4f} to {interval[1]:.4f}',
        _differences(rows),
        *(
            mean_and_range([row['metrics'][name] for row in rows if name in row['metrics']])
            for name in ('IoU', *own)
        ),
        mean_and_range(value.validation_dice),
        f'{first["steps"]:,} of {first["max_steps"]:,} steps'
        if 'max_steps' in first
        else f'{first["epochs"]} of {first["max_epochs"]}',
        f'{statistics.mean(row["minutes"] for row in rows):.1f}',
    ]
    return f'| {" | ".join(cells)} |'


def _differences(rows: Sequence[dict[str, Any]]) -> str:
    found = [row['difference'] for row in rows if row['difference']]
    if not found:
        return 'base'
    if any('Dice' not in one for one in found):
        return 'other ground truth'
    texts = [
        f'{one["Dice"]:+.4f} ({one["interval"][0]:+.4f} to {one["interval"][1]:+.4f})'
        for one in found
    ]
    return '; '.join(texts)


def _protocol(budget: str, rows: Sequence[dict[str, Any]]) -> str:
    def shared(key: str) -> str:
        return ', '.join(dict.fromkeys(str(row[key]) for row in rows))

    return (
        f'Budget `{budget}`: {rows[0]["num_images"]:,} images of the split {shared("split")}, '
        f'border = {shared("border")}, {shared("image_size")} pixels a side, scored at the '
        f'{shared("resolution")} resolution, mean over images; seed {shared("seed")}; '
        f'{shared("precision")} on {shared("device")}. Options: '
        f'`{" ".join(option for option in rows[0]["options"] if not option.startswith("seed="))}`.'
    )
