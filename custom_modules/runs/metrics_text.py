"""The metrics of a test as the lines that ``tools/test.py`` prints."""

import itertools
from collections.abc import Mapping
from typing import Any

from ..evaluation.metric_table import OVER
from ..evaluation.own_metrics import metrics_of


def describe(result: dict[str, Any]) -> str:
    """Return the metrics as the lines a person reads, with the protocol they were measured by.

    Args:
        result: metrics of a test with their protocol, as ``metrics.json`` holds them.
    """
    border = f', border = {result["border"]}' if result['border'] else ''
    lines = [
        *_describe_metrics(result),
        *_describe_details(result),
        f'{result["num_images"]:,} images{_describe_split(result)}, '
        f'{result["num_empty"]} without foreground{border}, '
        f'{_describe_size(result)}, threshold {result["threshold"]}',
    ]
    return '\n'.join([*lines, excluded] if (excluded := excluded_images(result)) else lines)


def excluded_images(result: Mapping[str, Any]) -> str:
    """Return how many images a list took from the test and the training; '' where it took none.

    Args:
        result: metrics of a test with their protocol, as ``metrics.json`` holds them.
    """
    counts = {
        'training': (result.get('training') or {}).get('num_excluded', 0),
        'test': result.get('num_excluded', 0),
    }
    parts = [f'{number:,} of the {stage}' for stage, number in counts.items() if number]
    return f'images that exclude left out: {", ".join(parts)}' if parts else ''


def input_size(result: Mapping[str, Any]) -> str:
    """Return the size of what the network got: '256x256', or windows over images.

    Args:
        result: metrics of a test with their protocol, as ``metrics.json`` holds them.
    """
    size, windows = result['image_size'], result.get('windows')
    sides = size if isinstance(size, list) else [size] * 2
    whole = 'x'.join(map(str, sides)) if size else 'images as they are'
    return f'windows of {windows["size"]}x{windows["size"]} over {whole}' if windows else whole


def _describe_metrics(result: dict[str, Any]) -> list[str]:
    """Return a line for metrics in a row that average over the same."""
    batch = result.get('metric_batch_size')
    over = dict(OVER, batches=f'mean over batches of {batch} pooled images')
    notes = {}
    if 'boundary' in result:
        boundary = result['boundary']
        notes['IoU_boundary'] = f' (band of {boundary["width"]:.0%} of the diagonal)'
        notes['Dice_surface'] = f' (tolerance {boundary["tolerance"]:.0%})'
    infos = [info for info in metrics_of([result]) if info.level != 'detail']
    return [
        '  '.join(
            [f'{one.label} {result[one.name]:.4f}{notes.get(one.name, "")}' for one in line]
            + ([f'({over[key]})'] if key else [])
        )
        for key, line in itertools.groupby(infos, lambda info: info.over)
    ]


def _describe_split(result: dict[str, Any]) -> str:
    return f' of the split {result["split"]!r}' if result['split'] else f' of {result["dataset"]}'


def _describe_size(result: dict[str, Any]) -> str:
    fixed = result['image_size'] and not result.get('windows')
    seen = f'seen {"at" if fixed else "as"} {input_size(result)}'
    where = 'there' if result['resolution'] == 'input' else 'at the size of the files'
    return f'{seen} and scored {where}'


def _describe_details(result: dict[str, Any]) -> list[str]:
    lines = []
    if 'intervals' in result:
        low, high = result['intervals']['Dice']
        lines.append(f'95 % interval of the Dice: {low:.4f} to {high:.4f} (bootstrap over images)')
    if 'calibration' in result:
        found = result['calibration']
        lines.append(f'calibration: Brier {found["Brier"]:.4f}  ECE {found["ECE"]:.4f}')
    if 'borders' in result:
        dice = '  '.join(f'{name} {row["Dice"]:.4f}' for name, row in result['borders'].items())
        lines.append(f'Dice with the border as {dice}')
    if 'cost' in result:
        lines.append(
            _describe_cost(result['cost'], 'a window' if result.get('windows') else 'an image')
        )
    return lines


def _describe_cost(cost: dict[str, Any], seen: str) -> str:
    (height, width), timed = cost['image_size'], cost['latency']
    return (
        f'{cost["parameters"]:,} parameters, {cost["multiply_accumulates"] / 1e9:.2f} G '
        f'multiply-accumulates and {timed["median"]:.1f} ms ({timed["low"]:.1f} to '
        f'{timed["high"]:.1f}) for {seen} of {width}x{height}'
    )
