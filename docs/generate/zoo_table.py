"""The table and the picture of docs/zoo.md: the networks of configs/zoo at the same budget."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter, ScalarFormatter
from matplotlib.transforms import Bbox

from custom_modules.base.errors import UserError
from custom_modules.base.json_file import read_json
from custom_modules.base.paths import PROJECT_ROOT
from custom_modules.base.records import count, number, one_of, record, text
from custom_modules.runs.metrics_json import TRAINING
from custom_modules.visualization.figure_file import save_figure

BEGIN = '<!-- zoo: made by python -m docs.generate from results/ -->'
END = '<!-- end of zoo -->'

#: The picture, for docs/zoo.md.
PICTURE = PROJECT_ROOT / 'docs' / 'images' / 'zoo.png'

#: The configs of the networks.
ZOO = PROJECT_ROOT / 'configs' / 'zoo'

#: Where a name stands beside its point, the best first: offset in points, and its corner there.
_PLACES = (
    (5, 2, 'left', 'bottom'),
    (-5, 2, 'right', 'bottom'),
    (5, -2, 'left', 'top'),
    (-5, -2, 'right', 'top'),
)

_SHARE = number(0, 1)


def _interval(value: Any, place: str) -> None:
    if not (isinstance(value, list) and len(value) == 2):
        raise ValueError(f'{place} is no interval')
    for end in value:
        _SHARE(end, place)


_MILLISECONDS = record(
    ('median', 'low', 'high', 'runs'),
    **dict.fromkeys(('median', 'low', 'high'), number(0)),
    runs=count(),
)
_TRAINED = record(
    ('Dice', 'interval', 'training'),
    Dice=_SHARE,
    interval=_interval,
    training=TRAINING,
    images_per_second=number(0),
    num_images=count(),
    image_size=count(),
    wanted=number(0),
)
_SHAPE = record(
    ('config', 'parameters', 'multiply_accumulates', 'latency', 'epochs', 'seconds', 'onnx'),
    config=text(),
    parameters=count(),
    multiply_accumulates=count(),
    latency=record(('fp32', 'bf16'), fp32=_MILLISECONDS, bf16=_MILLISECONDS),
    epochs=_TRAINED,
    seconds=_TRAINED,
    onnx=one_of(record(('refused',), refused=text(4000)), record(('flipped',), flipped=_SHARE)),
)


def read_zoo(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of all networks that were measured, the best after fixed seconds first.

    Raises:
        UserError: a file cannot be read or is of no such benchmark.
    """
    rows = []
    for path in sorted(folder.glob('*.json')):
        row = read_json(path)
        try:
            _SHAPE(row, '')
        except ValueError as error:
            raise UserError(f'{path}: is of no zoo, {error}; run it again') from None
        rows.append(row)
    return sorted(rows, key=lambda row: -row['seconds']['Dice'])


def zoo_table(folder: Path) -> str:
    """Return the table in Markdown, a row per network, and its protocol.

    Raises:
        UserError: a file cannot be read or is of no such benchmark.
    """
    rows = read_zoo(folder)
    if not rows:
        return 'Not run yet.'
    first = rows[0]
    epochs = first['epochs']['training']['max_epochs']
    devices = dict.fromkeys(row['epochs']['training']['device'] for row in rows)
    tested = first['epochs']
    lines = [
        f'| network | parameters | MACs | Dice after {epochs} epochs | training images/s | '
        f'Dice after {first["seconds"]["wanted"]:.0f} seconds | epochs in them | '
        'milliseconds, fp32 | bf16 | ONNX |',
        '|---|---:|---:|---|---:|---|---:|---:|---:|---|',
        *map(_line, rows),
        '',
        f'![Dice over latency](images/{PICTURE.name})',
        '',
        f'{_missing(rows)}{tested["num_images"]:,} images of the split test at 128x128, border = '
        f'{tested["border"]}, threshold {tested["threshold"]}, mean over images with its 95 % '
        f'interval; one run each, seed 0, weights of the best validation. '
        f'Trained in {first["epochs"]["training"]["precision"]} on '
        f'{", ".join(devices)}; as many whole epochs as fit into the seconds by '
        'the pace of the first training, at least one. Milliseconds: one image, median. ONNX: '
        'share of the pixels that flip against PyTorch. MACs: multiply-accumulates of one image.',
    ]
    return '\n'.join(lines)


def _missing(rows: list[dict[str, Any]]) -> str:
    there = {path.stem for path in ZOO.glob('*.py')} - {'_base_'}
    missing = sorted(there - {Path(row['config']).stem for row in rows})
    return f'Not run yet: {", ".join(f"`{name}`" for name in missing)}. ' if missing else ''


def _line(row: dict[str, Any]) -> str:
    fixed, timed, onnx = row['epochs'], row['seconds'], row['onnx']
    cells = [
        f'`{Path(row["config"]).stem}`',
        f'{row["parameters"] / 1e6:.1f} M',
        f'{row["multiply_accumulates"] / 1e9:.2f} G',
        _dice(fixed),
        f'{fixed["images_per_second"]:.0f}',
        _dice(timed),
        str(timed['training']['max_epochs']),
        *(f'{row["latency"][dtype]["median"]:.1f}' for dtype in ('fp32', 'bf16')),
        'no' if 'refused' in onnx else f'{onnx["flipped"]:.4%}',
    ]
    return f'| {" | ".join(cells)} |'


def _dice(trained: dict[str, Any]) -> str:
    low, high = trained['interval']
    return f'**{trained["Dice"]:.4f}** ({low:.4f} to {high:.4f})'


def save_zoo_picture(folder: Path) -> None:
    """Draw Dice over latency, with a line through the networks that no other one beats in both."""
    rows = read_zoo(folder)
    if not rows:
        return
    figure = Figure(figsize=(7, 4.5), layout='constrained')
    axes = figure.add_subplot()
    points = [(row['latency']['fp32']['median'], row['seconds']['Dice']) for row in rows]
    best = sorted(p for p in points if not any(q[0] <= p[0] and q[1] > p[1] for q in points))
    axes.plot([p[0] for p in best], [p[1] for p in best], color='0.6', linewidth=1, zorder=1)
    axes.scatter([p[0] for p in points], [p[1] for p in points], s=18, zorder=2)
    axes.set_xscale('log')
    axes.margins(x=0.2)  # for the names at the ends
    axes.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel('milliseconds for one image, fp32')
    axes.set_ylabel(f'test Dice after {rows[0]["seconds"]["wanted"]:.0f} seconds of training')
    axes.grid(alpha=0.3)
    _name_points(figure, [Path(row['config']).stem for row in rows], points)
    save_figure(figure, PICTURE)


def _name_points(
    figure: Figure, names: Sequence[str], points: Sequence[tuple[float, float]]
) -> None:
    """Write a name beside each point, clear of names and points where there is room."""
    figure.draw_without_rendering()  # before, nothing has a place
    axes = figure.axes[0]
    taken = [Bbox.from_bounds(x - 3, y - 3, 6, 6) for x, y in axes.transData.transform(points)]
    for name, point in zip(names, points, strict=True):
        for x, y, ha, va in _PLACES:
            label = axes.annotate(
                name, point, (x, y), textcoords='offset points', ha=ha, va=va, fontsize=7
            )
            extent = label.get_window_extent()
            if not any(map(extent.overlaps, taken)):
                break
            label.set_visible((x, y, ha, va) == _PLACES[-1])
        taken.append(extent)
